"""python -m index verify: check the files of a collection."""

from pathlib import Path

import click

from index.cli.options import as_json_option, collection_argument
from training.models.console import ProgressLine, answer, plain


@click.command()
@collection_argument
@as_json_option
def verify(collection: Path, as_json: bool) -> None:
    """Check every file of DIR; print each fault and its repair.

    Faults are changed bytes, missing files, embeddings that are not finite or not of unit length, and repeated ids.
    The exit code is 1 if there are faults.
    """
    from index.maintenance.verify import find_faults

    line = ProgressLine("Checking", as_json)
    faults = find_faults(collection, line.show)
    line.close()
    document = {"collection": str(collection), "sound": not faults, "faults": [f.as_dict() for f in faults]}
    answer(as_json, document, "\n".join(plain(str(fault)) for fault in faults) or f"{collection} is sound.")
    if faults:
        raise SystemExit(1)
