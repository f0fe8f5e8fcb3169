"""python -m index verify: whether a collection is what was written."""

from pathlib import Path

import click

from index.cli.options import as_json_option, collection_argument
from training.models.console import ProgressLine, answer, plain


@click.command()
@collection_argument
@as_json_option
def verify(collection: Path, as_json: bool) -> None:
    """Check DIR: one line for each fault, with how to repair it, and exit code 1.

    Every file is read: changed bytes, missing files, vectors that are not finite or not of unit length, repeated ids.
    """
    from index.maintenance.verify import find_faults

    line = ProgressLine("Checking", as_json)
    faults = find_faults(collection, line.show)
    line.close()
    document = {"collection": str(collection), "sound": not faults, "faults": [f.as_dict() for f in faults]}
    answer(as_json, document, "\n".join(plain(str(fault)) for fault in faults) or f"{collection} is sound.")
    if faults:
        raise SystemExit(1)
