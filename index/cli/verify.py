"""python -m index verify: check the files of a collection."""

from pathlib import Path

import click

from index.cli.options import as_json_option, collection_argument
from training.models.console import ProgressLine, answer, plain


@click.command()
@collection_argument
@click.option("--deep", is_flag=True, help="Also read every image of the sources, and compare it with its entry.")
@as_json_option
def verify(collection: Path, deep: bool, as_json: bool) -> None:
    """Check every file of DIR; print each fault and its repair.

    Faults are changed bytes, missing files, embeddings that are not finite or not of unit length, and wrong ids; with
    --deep also images that are gone or changed since they were embedded. The exit code is 1 if there are faults.
    Tags and corrections of images that are not in the collection are named too; they are no fault.
    """
    from index.maintenance.on_disk import absent_images, find_differences
    from index.maintenance.verify import find_faults

    line = ProgressLine("Checking", as_json)
    faults = find_faults(collection, line.show)
    readable = not any(fault.kind in ("manifest", "annotations") or fault.segment for fault in faults)
    if deep and readable:
        faults += find_differences(collection, line.show)
    line.close()
    notices = absent_images(collection) if readable else []
    found = {"faults": [f.as_dict() for f in faults], "notices": notices}
    text = [plain(str(fault)) for fault in faults] or [f"{collection} is sound."]
    answer(
        as_json,
        {"collection": str(collection), "sound": not faults, **found},
        "\n".join([*text, *map(plain, notices)]),
    )
    if faults:
        raise SystemExit(1)
