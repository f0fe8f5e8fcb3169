"""python -m index verify: whether a collection is what was written."""

from pathlib import Path

import click

from index.cli.options import as_json_option, collection_argument
from training.models.console import ProgressLine, answer, plain


@click.command()
@collection_argument
@as_json_option
def verify(collection: Path, as_json: bool) -> None:
    """Look for what is wrong with DIR: a line a fault, with how to mend it, and exit code 1.

    Every file is read: what the disk has changed, what is missing, vectors that are none, ids that repeat.
    """
    from index.maintenance.verify import find_faults

    line = ProgressLine("Checking", as_json)
    faults = find_faults(collection, line.show)
    line.close()
    document = {"collection": str(collection), "sound": not faults, "faults": [f.as_dict() for f in faults]}
    answer(as_json, document, "\n".join(plain(str(fault)) for fault in faults) or f"{collection} is sound.")
    if faults:
        raise SystemExit(1)
