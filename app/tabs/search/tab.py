"""Search: texts and images, wanted or unwanted, and the images that answer them."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from app.language.current import _
from app.state.choices import Chosen
from app.state.chosen import ChosenFields, chosen_ids
from app.state.library import Library
from app.state.search_requests import (
    BrowseFields,
    PageSearch,
    Text,
    listing_version,
    run_browse,
    run_search,
    run_search_of_several,
)
from app.state.validation import validated
from app.ui.command.command import search_command
from app.ui.component import tab_component
from app.ui.export_panel.export_panel import export_progress, export_to, stop_export
from app.ui.index_form.index_form import list_folder, offer_folders, start_index
from app.ui.inspector.inspector import explain_image, image_copies, image_credits, image_facts
from index.maintenance.undo import undo_last
from index.query import parse_query
from index.retrieval.completion import completions
from index.retrieval.facets import ORDERS
from index.search import Hit, Threshold
from index.storage.annotation_cache import annotations_version
from index.storage.tags import read_tags, tag_images
from training.evaluation.wording import ENOUGH_WORDS, order_matters
from training.models.encoder import unread

TIMEOUT = 0.6  # seconds that a first search waits for the null distribution


def search_tab(library: Library) -> None:
    """Lay out the tab: one component, whose script calls these functions."""
    tab_component(
        library,
        "search",
        find=find_images,
        browse=browse_images,
        inspect=image_facts,
        copies=image_copies,
        explain=explain_image,
        credits=image_credits,
        filters=count_facets,
        tagging=tag_chosen,
        choose=choose,
        complete=complete,
        exportTo=export_to,
        exportState=export_progress,
        stop=stop_export,
        tags=tag_names,
        undo=undo_action,
        remark=remarks,
        index=start_index,
        folders=offer_folders,
        listing=list_folder,
    )


def find_images(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The hits of a search; without a text or an image, the first images.

    milliseconds counts from the encoder being ready.
    """
    given = validated(PageSearch, fields)
    if given.collections:
        return _find_in_several(library, given)
    opened, request, result = run_search(library, given, TIMEOUT, histogram=True)
    response = {
        "hits": [_card(hit) for hit in result.hits],
        "collection": opened.key,
        "total": result.total,
        "matching": result.matching,
        "distinct": result.distinct,
        "collapse": result.collapse,
        "revision": opened.published().revision,
        "likely": result.likely,
        "threshold": _threshold(result.threshold),
        "version": listing_version(opened, result),
        "command": search_command(library, given),
    }
    return response | ({"milliseconds": round(1000 * result.seconds)} if request.terms else {})


def _find_in_several(library: Library, given: PageSearch) -> dict[str, Any]:
    """The same in several collections at once; each hit says which one it is of, by its key and by its name."""
    opened, found = run_search_of_several(library, given, TIMEOUT)
    names, parts = {one.key: one.name for one in opened}, list(found.results.values())
    # Where one shows no threshold, none is shown; the reasons are of one collection each.
    threshold = next((part.threshold for part in parts if not (part.threshold and part.threshold.shown)), None)
    shown = [part.threshold for part in parts if part.threshold is not None]
    if threshold is None and shown:
        threshold = replace(shown[0], best=max(one.best or 0.0 for one in shown))
    return {
        "hits": [_card(one.hit) | {"collection": one.name, "of": names[one.name]} for one in found.hits],
        "collection": "",
        "collections": list(found.results),
        "total": sum(part.total for part in parts),
        "matching": sum(part.matching for part in parts),
        "distinct": sum(part.distinct for part in parts),
        "collapse": given.collapse,
        "revision": 0,
        "likely": found.likely,
        "threshold": _threshold(threshold),
        "version": "",
        "command": search_command(library, given),
        "milliseconds": round(1000 * found.seconds),
    }


def browse_images(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A page of all images in the order of a timeline; with the first one, where its groups begin."""
    given = validated(BrowseFields, fields)
    opened, found = run_browse(library, given, TIMEOUT)
    response = {"hits": [_small_card(hit) for hit in found.hits(given.offset, given.k)], "distinct": len(found)}
    if given.offset:
        return response
    return response | {
        "collection": opened.key,
        "total": len(found.collection),
        "matching": found.matching,
        "collapse": given.collapse,
        "revision": found.collection.revision,
        "version": found.version,
        "command": search_command(library, given),
        "likely": None,
        "threshold": None,
        "timeline": {name: getattr(found, name) for name in ("group", "keys", "counts", "choices")},
    }


def _small_card(hit: Hit) -> dict[str, Any]:
    """An image without a score: what goes without saying is left out."""
    others = {"tags": list(hit.tags), "copies": hit.copies if hit.copies > 1 else 0, "offline": hit.offline}
    return {"id": hit.id, "name": hit.name} | {name: value for name, value in others.items() if value}


def _threshold(threshold: Threshold | None) -> dict[str, Any] | None:
    """What the page needs to draw the threshold and the bars behind it."""
    if threshold is None:
        return None
    best = None if threshold.best is None else round(threshold.best, 2)
    return asdict(threshold) | {"best": best}


def _card(hit: Hit) -> dict[str, Any]:
    return {
        "id": hit.id,
        "name": hit.name,
        "score": None if hit.score is None else round(hit.score, 4),
        "rank": hit.rank,
        "normalised_score": None if hit.normalised_score is None else round(hit.normalised_score, 2),
        "likely": hit.likely,
        "matched": hit.matched,
        "tags": list(hit.tags),
        "copies": hit.copies,
        "offline": hit.offline,
    }


def count_facets(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What can be filtered by, counted over the images that pass the filters of a request."""
    opened, _, result = run_search(library, validated(PageSearch, {**fields, "k": 1}), facets=True)
    return {"facets": result.facets, "collection": opened.key, "orders": list(ORDERS)}


class TaggingFields(ChosenFields):
    """A tag for what is chosen."""

    name: Text
    on: bool = True


def choose(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A token by which exports name what is chosen, and how many images that are."""
    opened, ids = chosen_ids(library, validated(ChosenFields, fields))
    return {"choice": library.choices.hold(Chosen(opened.key, tuple(ids))), "count": len(ids)}


def complete(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What goes on with fields["text"]: tags, folders, cameras and places, each as a filter."""
    collection = library.collection(fields.get("collection")).published()
    found = completions(collection, str(fields.get("text") or "")[:200])
    for_page = [asdict(one) for one in found]
    for one in for_page:
        one["filter"] = {name: value for name, value in one["filter"].items() if value is not None}
    return {"completions": for_page}


def tag_chosen(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give fields["name"] to what is chosen, or take it away with fields["on"] false.

    changed: of count images. action: what undo takes back. tags: of the images that were named by ids.
    """
    given = validated(TaggingFields, fields)
    opened, ids = chosen_ids(library, given)
    collection = opened.published()
    done = tag_images(collection, ids, given.name, given.on)
    tags = read_tags(collection.path)
    return asdict(done) | {
        "count": len(ids),
        "tags": {id: list(tags.get(id, ())) for id in given.ids},
        "all": sorted({name for of in tags.values() for name in of}),
        "annotations": annotations_version(collection.path),
    }


def tag_names(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The tags of a collection."""
    tags = read_tags(library.collection(fields.get("collection")).path)
    return {"tags": sorted({name for of in tags.values() for name in of})}


def undo_action(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Undo the last tag, or where this page may change collections the last removal; `undone` says what was.

    fields["action"]: the number of the action that is meant; whichever was the last if it is left out.
    """
    collection = library.collection(fields.get("collection")).published()
    action = fields.get("action")
    number = int(action) if isinstance(action, int) else None
    return {"undone": undo_last(collection.path, removals=library.local, action_number=number)}


def remarks(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a person should know about how the encoder reads fields["q"]: words left out, an order without effect."""
    opened = library.collection(fields.get("collection"))
    encoder = library.encoder(opened)
    found = []
    for term in parse_query(str(fields.get("q") or "")[:2000]):
        text = term.text or ""
        rest = unread(encoder, text)
        if rest:
            start = text[: len(text) - len(rest)].rstrip()
            found.append(
                _(
                    "{name} reads only up to “…{start}”; “{rest}” is left out.",
                    name=encoder.name,
                    start=start[-40:],
                    rest=rest[:80],
                )
            )
        elif len(text.split()) >= ENOUGH_WORDS and order_matters(encoder, text) is False:
            found.append(
                _(
                    "The order of the words of “{text}” makes no difference to {name}.",
                    text=text[:80],
                    name=encoder.name,
                )
            )
    return {"remarks": found}
