"""What is known about one image, and why it answers a query."""

from collections.abc import Mapping
from typing import Any

from app.language.current import _
from app.state.errors import NotFound
from app.state.images import ImageReference, image_of
from app.state.library import Library
from app.state.search_requests import CopiesFields, PageSearch
from app.state.validation import validated
from app.ui.inspector.metadata import shown_columns, shown_date
from index.collection import Collection
from index.query import embed_query, with_file_names
from index.retrieval.explanations import heat_map, word_shares
from index.search import Hit, copies_of
from index.storage.tags import read_tags
from training.models.errors import UserError
from training.models.file_names import file_name

MOST_CREDITS = 200
MOST_COPIES = 100
TIMEOUT = 5.0  # seconds that the page waits for the groups of similar shots


def image_facts(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What is known about the image fields["id"]: its facts, the columns its source had, and its tags.

    Of several files with this id they are the facts of the best one.
    """
    collection = library.collection(fields.get("collection")).published()
    id = str(fields.get("id"))
    record = _record(collection, id)
    if len(collection.rows([id])) > 1:
        copies = _copies(collection, validated(CopiesFields, {"id": id}))
        record = collection.record(next(hit.row for hit in copies if hit.id == record["id"]))
    facts = {
        "id": record["id"],
        "file": file_name(record["path"]),
        "path": record["path"],
        "source": record["source"] if library.local else "",
        "caption": record["caption"],
        "width": int(record["width"]),
        "height": int(record["height"]),
        "bytes": int(record["bytes"]),
        **shown_date(record),
    }
    return {"facts": facts, "columns": shown_columns(record), "tags": read_tags(collection.path).get(record["id"], [])}


def image_copies(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The files that the image fields["id"] stands for, the best first, and how many they are."""
    given = validated(CopiesFields, fields)
    hits = _copies(library.collection(given.collection).published(), given)
    shown = [
        {
            "id": hit.id,
            "name": hit.name,
            "path": hit.path,
            **{name: hit.columns[name] for name in ("width", "height", "bytes")},
            "offline": hit.offline,
        }
        for hit in hits[:MOST_COPIES]
    ]
    return {"copies": shown, "count": len(hits)}


def explain_image(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Why an image answers a search, with `id` and `heat` beside its fields: shares of its words, or a heat map.

    The map is of the thumbnail that the page shows, [GRID][GRID] in 0..1.
    """
    given = validated(PageSearch, fields)
    opened = library.collection(given.collection)
    collection = opened.published()
    _record(collection, given.id)
    if not (terms := with_file_names(given.terms(library.uploads), collection)):
        raise UserError(_("There is no query, so there is nothing to explain; search for something first."))
    encoder = library.encoder(opened)
    collection.check_encoder(encoder)
    response: dict[str, Any] = {"id": given.id}
    if given.heat:
        image = image_of(library, ImageReference(id=given.id, collection=opened.key))
        response["heat"] = heat_map(image, embed_query(terms, collection, encoder), encoder).round(3).tolist()
    elif with_text := [term for term in terms if term.text]:
        shares = word_shares(terms, collection.vector(given.id), encoder)
        response["words"] = [
            {"word": share.word, "share": round(share.share, 4), "sign": term.sign}
            for term, of_term in zip(with_text, shares, strict=True)
            for share in of_term
        ]
    return response


def image_credits(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Whom the images are by, most images first, where the collection says so."""
    collection = library.collection(fields.get("collection")).published()
    columns = [name for name in ("attribution", "licence") if name in collection.columns]
    if "attribution" not in columns:
        return {"credits": []}
    counts = collection.frame(columns).fillna("").value_counts().head(MOST_CREDITS)
    return {"credits": [{"by": " · ".join(filter(None, key)), "images": int(n)} for key, n in counts.items()]}


def _copies(collection: Collection, fields: CopiesFields) -> list[Hit]:
    try:
        return copies_of(collection, fields.id, fields.collapse, TIMEOUT)
    except KeyError as error:
        raise NotFound(_("That image is not in the collection any more; search again.")) from error


def _record(collection: Collection, id: str) -> dict[str, Any]:
    try:
        return collection.record(collection.row(id))
    except KeyError as error:
        raise NotFound(_("That image is not in the collection any more; search again.")) from error
