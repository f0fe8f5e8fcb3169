"""python -m index info: the size, encoder, search index and columns of a collection."""

from pathlib import Path
from typing import Any

import click

from index.cli.options import as_json_option, collection_argument
from training.models.console import answer


@click.command()
@collection_argument
@as_json_option
def info(collection: Path, as_json: bool) -> None:
    """Show the size, encoder, search index and columns of DIR."""
    from index.collection import Collection
    from index.maintenance.generations import generations
    from index.nearest import load_nearest
    from index.storage.info import account_of, info_of

    opened = Collection.open(collection)
    nearest = load_nearest(opened).facts
    document = {**info_of(opened), "search": {k: v for k, v in nearest.items() if k != "revision"}}
    document["generations"] = [one.as_dict() for one in generations(collection)]
    text = (
        f"{document['name']}: {document['images']:,} images, {document['failed']:,} that could not be read\n"
        f"files     {document['files']['total']:,}: {account_of(opened)}\n"
        f"{_rules(document)}"
        f"encoder   {document['encoder']} ({document['fingerprint'][:8]}), {document['dim']} dimensions, "
        f"{document['runtime']} {document['precision']}\n"
        f"{_newer(opened.encoder_name, collection)}"
        f"search    {_how(nearest)}\n"
    )
    text += f"on disk   {document['bytes'] / 1e6:,.1f} MB in {document['segments']} segments\n"
    for one in document["generations"][1:]:
        lacks = f", {one['missing']:,} images missing" if one["missing"] else ", ready to switch to"
        text += f"also by   {one['encoder']} ({one['fingerprint'][:8]}), {one['bytes'] / 1e6:,.1f} MB{lacks}\n"
    text += f"columns   {', '.join(document['columns'])}"
    answer(as_json, document, text)


def _newer(encoder: str, collection: Path) -> str:
    """What replaces an encoder that is there for old collections only; tags and corrections stay."""
    from training.models.encoders import newer

    name = newer(encoder)
    command = f"python -m index reencode {collection} --encoder {name} --switch"
    return f"newer     {name} has taken its place, and finds more: {command}\n" if name else ""


def _rules(document: dict[str, Any]) -> str:
    """The globs that builds of this collection use, if there are any."""
    globs = [f"--{option} {glob!r}" for option in ("exclude", "include") for glob in document[option]]
    return f"rules     {' '.join(globs)}\n" if globs else ""


def _how(search: dict[str, Any]) -> str:
    """The kind of search, its effort and what of the ten nearest it finds, for whom that was measured."""
    effort = f", looks into {search['probes']:,} of {search['lists']:,} lists" if "probes" in search else ""
    effort += f", {search['directions']:,} directions" if "directions" in search else ""
    kinds = {"words": "recall_at_10_words", "images": "recall_at_10", "filters": "recall_at_10_filtered"}
    recalls = [f"{search[key]:.3f} for {name}" for name, key in kinds.items() if search.get(key) is not None]
    size = f", {search['bytes'] / 1e6:,.1f} MB" if "bytes" in search else ""
    return f"{search['kind']}{effort}{size}" + (f"; recall at 10: {', '.join(recalls)}" if recalls else "")
