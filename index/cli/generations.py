"""python -m index generations: by which encoders a collection is embedded, and which one serves."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from index.cli.options import as_json_option, collection_argument
from training.models.console import answer

if TYPE_CHECKING:
    from index.maintenance.generations import Generation


@click.command()
@collection_argument
@click.option("--switch", "wanted", metavar="NAME", help="Search by this encoder: a name, or the fingerprint's start.")
@click.option("--back", "go_back", is_flag=True, help="Search by the encoder that served before.")
@click.option("--delete", "unwanted", metavar="NAME", help="Delete the embeddings by this encoder.")
@as_json_option
def generations(collection: Path, wanted: str | None, go_back: bool, unwanted: str | None, as_json: bool) -> None:
    """List the encoders that DIR is embedded with; switch to one, or delete one. `reencode` adds one.

    A switch is one step for everybody who searches, and the other embeddings stay until they are deleted.
    """
    if sum((wanted is not None, go_back, unwanted is not None)) > 1:
        raise click.UsageError("Give one of --switch, --back and --delete.")
    from index.maintenance import generations as work

    done = ""
    if wanted is not None:
        manifest = work.find_generation(collection, wanted)
        work.switch(collection, manifest.fingerprint)
        done = f"{collection} is searched by {manifest.encoder} now; to go back: generations {collection} --back"
    elif go_back:
        done = f"{collection} is searched by {work.back(collection)} again."
    elif unwanted is not None:
        manifest = work.find_generation(collection, unwanted)
        freed = work.delete(collection, manifest.fingerprint)
        done = f"The embeddings by {manifest.encoder} were deleted; {freed / 1e6:,.1f} MB are free again."
    found = work.generations(collection)
    document = {"collection": str(collection), "generations": [one.as_dict() for one in found]}
    answer(as_json, document, "\n".join([*([done] if done else []), *map(_line, found)]))


def _line(one: "Generation") -> str:
    state = f"{one.missing:,} images missing; reencode goes on" if one.state == "partial" else one.state
    before = ", served before" if one.previous else ""
    size = f"{one.bytes / 1e6:,.1f} MB"
    return (
        f"{one.encoder} ({one.fingerprint[:8]})  {one.images:,} images, {one.dim} dimensions, {size}: {state}{before}"
    )
