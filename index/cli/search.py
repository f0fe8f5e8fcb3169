"""python -m index search: the images that a text describes best."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from index.cli.options import as_json_option, collection_argument, run_options
from training.models.console import answer, plain
from training.models.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from index.query import Term
    from index.retrieval.request import Collapse
    from index.search import Hit, SearchResult
    from index.several import HitOf, SeveralResult
    from training.models.encoder import Encoder


@click.command()
@collection_argument
@click.argument("text", required=False)
@click.option(
    "--also",
    "others",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Search this collection at the same time; may be repeated. Hits are merged by their normalised scores.",
)
@click.option(
    "--image",
    "images",
    multiple=True,
    type=click.Path(path_type=Path),
    help="An image file as the query, alone or with a text; may be repeated.",
)
@click.option(
    "--like",
    "likes",
    multiple=True,
    metavar="ID",
    help="An image of DIR as the query, alone or with a text; may be repeated. --like=-ID is a negative term.",
)
@click.option("--vector", type=click.Path(path_type=Path), help="A .npy file with an embedding as the query.")
@click.option(
    "--without",
    multiple=True,
    metavar="TEXT",
    help="A negative term: a text that results should not match; may be repeated.",
)
@click.option("-k", default=10, show_default=True, type=click.IntRange(1), help="Number of results.")
@click.option("--where", default="", help='Filter over the columns, in pandas query syntax: "width > 1000".')
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Only images with this value; or COLUMN>=VALUE, COLUMN<=VALUE, COLUMN~TEXT for a part of it. May be repeated; "
    "values of one column are alternatives.",
)
@click.option("--tag", "tags", multiple=True, help="Only images with this tag; may be repeated.")
@click.option(
    "--order",
    default="best",
    show_default=True,
    help="Sort order of the likely matches: best, newest, oldest, largest or name.",
)
@click.option(
    "--threshold",
    default="auto",
    show_default=True,
    help="Lowest normalised score of a likely match: a number, on (1), off, or auto (on if the threshold was "
    "measured for the encoder).",
)
@click.option("--likely", "likely_only", is_flag=True, help="Print only likely matches.")
@click.option(
    "--text-ranking/--no-text-ranking",
    default=True,
    show_default=True,
    help="Rank by file names, folders, captions and tags too, or by the embedding alone.",
)
@click.option(
    "--collapse",
    type=click.Choice(["same", "similar", "none"]),
    default="same",
    show_default=True,
    help="Of copies of the same image, or of similar shots, print only the best; none prints every file.",
)
@as_json_option
@run_options
def search(
    collection: Path,
    text: str | None,
    others: tuple[Path, ...],
    images: tuple[Path, ...],
    likes: tuple[str, ...],
    vector: Path | None,
    without: tuple[str, ...],
    k: int,
    where: str,
    filters: tuple[str, ...],
    tags: tuple[str, ...],
    order: str,
    threshold: str,
    likely_only: bool,
    text_ranking: bool,
    collapse: "Collapse",
    as_json: bool,
    runtime: str | None,
    precision: str | None,
) -> None:
    """Search DIR with TEXT, for example "golden retriever + pool - people". DIR may be an exported database too.

    With --also, several collections are searched at once.

    A plus or minus with spaces around it adds or subtracts a term; "2:red car" has weight 2. Likely matches come
    first. Without TEXT or an image, the command lists the images that pass the filters.
    """
    from index.collection import Collection
    from index.database.connecting import is_database
    from index.database.database import Database
    from index.retrieval.facets import read_facet_filters
    from index.retrieval.request import threshold_setting
    from index.search import SearchRequest
    from index.search import search as find
    from index.storage.manifest import precision_of
    from training.models.encoders import load_encoder

    paths = [collection, *others]
    places = [Database.open(path) if is_database(path) else Collection.open(path) for path in paths]
    opened = places[0]
    terms = _terms(text or "", without, images, likes, vector, opened.max_megapixels if images else 0)
    if not terms and not (where or filters or tags or order != "best"):
        raise UserError("There is nothing to search for; give a text, or --image FILE.")
    request = SearchRequest(
        terms=terms,
        filter=where,
        facets=read_facet_filters(filters),
        tags=tags,
        order=order,
        threshold=threshold_setting(threshold),
        likely_only=likely_only,
        text_ranking=text_ranking,
        collapse=collapse,
        count=k,
    )

    @cache
    def encoder(name: str, precision: str | None) -> "Encoder":
        return load_encoder(name, runtime, precision)

    def encoder_of(place: Collection | Database) -> "Encoder | None":
        made = place if isinstance(place, Database) else place.manifest
        return encoder(place.encoder_name, precision_of(made, precision)) if request.needs_encoder else None

    if others:
        from index.several import Searched, search_several

        searched = [Searched(str(path), place, encoder_of(place)) for path, place in zip(paths, places, strict=True)]
        found = search_several(searched, request)
        answer(as_json, [_fields_of(one, found) for one in found.hits], _lines_of(found))
        return
    result = find(opened, encoder_of(opened), request)
    answer(as_json, [_fields(hit, result) for hit in result.hits], _lines(result))


def _terms(
    text: str,
    without: tuple[str, ...],
    images: tuple[Path, ...],
    likes: tuple[str, ...],
    vector: Path | None,
    most_megapixels: float,
) -> "list[Term]":
    from index.query import Term, parse_query, signed_name

    terms = parse_query(text) + [Term(-1, text=unwanted) for unwanted in without]
    terms += [Term(sign, image_id=id) for sign, id in map(signed_name, likes)]
    terms += [Term(image_bytes=_read_image(path, most_megapixels)) for path in images]
    if vector is not None:
        terms.append(Term(vector=_read_vector(vector)))
    return terms


def _fields(hit: "Hit", result: "SearchResult") -> dict[str, object]:
    """A hit as `--json` prints it, with what holds for all of them."""
    shown = result.threshold is not None and result.threshold.shown
    threshold = result.threshold.value if shown and result.threshold is not None else None
    return hit.as_json() | {"threshold": threshold, "matching": result.matching}


def _fields_of(one: "HitOf", result: "SeveralResult") -> dict[str, object]:
    """A hit of several collections as `--json` prints it."""
    return {"collection": one.name, "merged": result.merged, **_fields(one.hit, result.results[one.name])}


def _line(hit: "Hit", marked: bool, path: str) -> str:
    score = "" if hit.score is None else f"  {hit.score:.3f}"
    mark = "" if not marked else "  likely" if hit.likely else "        "
    found = "" if hit.matched in (None, "image") else "  [text]" if hit.matched == "text" else "  [image and text]"
    away = f"  [x{hit.copies}]" if hit.copies > 1 else ""
    away += "  [offline]" if hit.offline else ""
    return plain(f"{hit.rank:3d}{score}{mark}  {path}  {hit.caption}".rstrip() + found + away)


def _lines_of(result: "SeveralResult") -> str:
    """One hit of several collections a line, with its collection; how many are likely, and what merged them."""
    marked = result.likely is not None
    lines = [_line(one.hit, marked, f"{one.name}: {one.hit.path}") for one in result.hits]
    images = sum(part.matching for part in result.results.values())
    count = "" if result.likely is None else f"{result.likely:,} likely of "
    by = {"normalised_score": "normalised scores", "score": "cosines", "rank": "ranks"}[result.merged]
    lines.append(f"{count}{images:,} images in {len(result.results)} collections, merged by their {by}")
    return "\n".join(lines)


def _lines(result: "SearchResult") -> str:
    """One hit a line, the likely ones marked, and how many are likely."""
    lines = [_line(hit, result.likely is not None, hit.path) for hit in result.hits]
    if result.likely is not None and result.threshold is not None:
        of = f"{result.matching:,} images" if result.matching == result.total else f"{result.matching:,} that match"
        shown = f" (threshold {result.threshold.value:g})" if result.threshold.shown else ""
        lines.append(f"{result.likely:,} likely of {of}{shown}")
    if not result.matching:
        return "No image passes the filter."
    if not result.hits and result.threshold is not None and result.threshold.reason == "names":
        return "The encoder reads no text, and no name, caption or tag has these words."
    return "\n".join(lines) or "No image is likely."


def _read_image(path: Path, most_megapixels: float) -> bytes:
    """The file's bytes. UserError, before an encoder is loaded, if they are no image."""
    from training.data.folder import read_file
    from training.data.pipeline import LEAST_SIDE
    from training.models.decoding import decode_image

    try:
        data = read_file(path)
        decode_image(data, LEAST_SIDE, most_megapixels)
        return data
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UserError as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


def _read_vector(path: Path) -> "NDArray[np.float32]":
    import numpy as np

    from training.models.encoder import unit

    try:
        return unit(np.load(path, allow_pickle=False).astype(np.float32).squeeze())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a .npy file of one vector: {error}.") from error
