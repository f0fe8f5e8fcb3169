"""python -m index search: the images that words describe best."""

from pathlib import Path
from typing import Any

import click

from index.cli.options import as_json_option, collection_argument, run_options
from training.models.console import answer, plain
from training.models.errors import UserError


@click.command()
@collection_argument
@click.argument("text", required=False)
@click.option("--image", type=click.Path(path_type=Path), help="An image to look for, alone or with words.")
@click.option("--like", metavar="ID", help="An image of DIR to look for, alone or with words.")
@click.option("--vector", type=click.Path(path_type=Path), help="A .npy file with the vector to look for, alone.")
@click.option("--without", multiple=True, help="Words for what should not be seen; may be given again.")
@click.option("-k", default=10, show_default=True, type=click.IntRange(1), help="How many images.")
@click.option("--where", help='Filter over the columns, in pandas query syntax: "width > 1000".')
@as_json_option
@run_options
def search(
    collection: Path,
    text: str | None,
    image: Path | None,
    like: str | None,
    vector: Path | None,
    without: tuple[str, ...],
    k: int,
    where: str | None,
    as_json: bool,
    runtime: str | None,
    precision: str | None,
) -> None:
    """The images in DIR that TEXT describes best: "golden retriever + pool - people".

    A sign with spaces around it adds or takes away; "2:red car" counts double.
    """
    from index.collection import Collection, precision_of
    from index.query import Term, parse_query
    from training.models.encoders import load_encoder

    terms = parse_query(text or "") + [Term(-1, words=words) for words in without]
    opened = Collection.open(collection)
    if image is not None:
        terms.append(Term(image=_read_image(image)))
    if like is not None:
        terms.append(Term(like=like))
    if not terms and vector is None:
        raise UserError("There is nothing to search for; give some words, or --image FILE.")
    from index.search import by_vector, hit_fields
    from index.search import search as find

    if vector is not None:
        if terms:
            raise UserError("A --vector is searched for alone; leave the words and images away.")
        hits = by_vector(opened, _read_vector(vector), k, where=where)
    elif like is not None and len(terms) == 1:
        try:
            hits = by_vector(opened, opened.vector(like), k, where=where)
        except KeyError as error:
            raise UserError(f"There is no image {like} in {opened.name}.") from error
    else:
        encoder = load_encoder(opened.encoder_name, runtime, precision_of(opened.manifest, precision))
        hits = find(opened, encoder, terms, k, where=where)
    lines = [plain(f"{h.rank:3d}  {h.score:.3f}  {h.path}  {h.caption}".rstrip()) for h in hits]
    answer(as_json, [hit_fields(opened, h) for h in hits], "\n".join(lines) or "No image passes the filter.")


def _read_image(path: Path) -> Any:
    from training.data.folder import read_file
    from training.models.decoding import decode_image

    try:
        return decode_image(read_file(path)).image
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UserError as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


def _read_vector(path: Path) -> Any:
    import numpy as np

    from training.models.encoder import unit

    try:
        return unit(np.load(path, allow_pickle=False).astype(np.float32).squeeze())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a .npy file of one vector: {error}.") from error
