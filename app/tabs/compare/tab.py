"""Compare: two encoders on one query, every encoder's neighbours of an image, the encoders, and training runs."""

from collections.abc import Mapping
from typing import Any

from app.language.current import _
from app.state.images import ImageReference, image_of
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.same_images import encoder_label
from app.state.search_requests import QueryFields, SearchFields
from app.state.validation import validated
from app.tabs.compare.encoders import Speeds, comparable_collections
from app.tabs.compare.labelled import evaluate, evaluated, sources
from app.ui.command.command import search_command
from app.ui.component import tab_component
from index.collection import Collection
from index.query import Term, embed_query, with_file_names
from index.retrieval.comparison import PERSISTENCE, Ranked, compare
from index.search import SearchRequest, search
from training.evaluation.runs import list_runs
from training.models.errors import UserError

SHOWN = 12  # images a side
NEIGHBOURS = 12  # of an image, an encoder
RUNS = 20


def compare_tab(library: Library) -> None:
    """Lay out the tab: one component, whose script calls these functions."""
    tab_component(
        library,
        "compare",
        collections=comparable_collections,
        rankings=compare_two,
        neighbours=neighbours_across,
        speed=Speeds().measure,
        runs=training_runs,
        sources=sources,
        evaluate=evaluate,
        evaluated=evaluated,
    )


def compare_two(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The first images of fields["a"] and fields["b"] for one query, each with its rank on the other side."""
    left, right = library.collection(fields.get("a")), library.collection(fields.get("b"))
    if left.key == right.key:
        raise UserError(_("Those are one and the same collection; choose two, each made by an encoder of its own."))
    query = validated(
        QueryFields,
        {"q": fields.get("q") or "", "like": fields.get("like") or [], "image": fields.get("images") or []},
    )
    like = query.like[:1]
    vectors = []
    for opened in (left, right):
        collection, encoder = opened.published(), library.encoder(opened)
        collection.check_encoder(encoder)
        if not encoder.reads_text and query.q.strip():
            raise UserError(
                _("{name} embeds images only; search with an image: choose one, or click one below.", name=encoder.name)
            )
        terms = with_file_names(query.model_copy(update={"like": []}).terms(library.uploads), collection)
        terms += [_like(library, id, collection, left) for id in like]
        if not terms:
            raise UserError(_("There is no query; give a text that both encoders read, or an image."))
        vectors.append(embed_query(terms, collection, encoder))
    one, other = left.published(), right.published()
    comparison = compare(one, other, vectors[0], vectors[1], SHOWN, without=like)
    return {
        "a": {"key": left.key, "encoder": encoder_label(left), "hits": [_hit(one, r) for r in comparison.left]},
        "b": {"key": right.key, "encoder": encoder_label(right), "hits": [_hit(other, r) for r in comparison.right]},
        "images": comparison.images,
        "overlap": comparison.overlap,
        "rbo": comparison.rbo,
        "persistence": PERSISTENCE,
        "command": "\n".join(filter(None, (_search(library, opened, query) for opened in (left, right)))),
    }


def _search(library: Library, opened: OpenCollection, query: QueryFields) -> str:
    """The command that ranks the images of one side."""
    return search_command(library, SearchFields(collection=opened.key, k=SHOWN, **query.model_dump()))


def _like(library: Library, id: str, collection: Collection, home: OpenCollection) -> Term:
    """An image of home as a term: by its id where collection has it too, else by its thumbnail."""
    try:
        collection.row(id)
    except KeyError:
        return Term(image=image_of(library, ImageReference(id=id, collection=home.key)))
    return Term(image_id=id)


def _hit(collection: Collection, ranked: Ranked) -> dict[str, Any]:
    return {
        "id": ranked.id,
        "name": collection.display_name(ranked.row),
        "rank": ranked.rank,
        "other": ranked.other,
    }


def neighbours_across(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The nearest images of one image for each open encoder, a row an encoder.

    An image of a collection is searched for in those collections that have it, an uploaded one in all.
    """
    id, tokens = str(fields.get("id") or ""), fields.get("images") or []
    rows = []
    for opened in library.comparable():
        if id and not _has(opened, id):
            continue  # neighbours among other images say nothing about the encoder
        row: dict[str, Any] = {"key": opened.key, "name": opened.name, "encoder": encoder_label(opened)}
        if library.encoder_state(opened)["state"] == "loading":
            rows.append(row | {"waiting": True})
            continue
        try:
            term = Term(image_id=id) if id else Term(image_bytes=library.uploads.data(str(tokens[0]) if tokens else ""))
            request = SearchRequest([term], threshold="off", count=NEIGHBOURS + 1)
            hits = search(opened.published(), library.encoder(opened), request).hits
            others = [{"id": hit.id, "name": hit.name} for hit in hits if hit.id != id]
            rows.append(row | {"hits": others[:NEIGHBOURS]})
        except UserError as error:
            rows.append(row | {"error": str(error)})
    return {"rows": rows}


def _has(opened: OpenCollection, id: str) -> bool:
    try:
        return opened.published().row(id) >= 0
    except (KeyError, UserError):
        return False


def training_runs(library: Library) -> dict[str, Any]:
    """Every run with its curves, the latest first."""
    return {"runs": [vars(run) for run in list_runs(library.runs)[:RUNS]], "folder": library.runs.name}
