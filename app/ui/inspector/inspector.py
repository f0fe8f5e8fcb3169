"""What is known about one image, and why it answers what was asked."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from PIL import Image

from app.state.library import Library
from app.state.questions import read_request
from index.collection import FACTS, Collection
from index.query import embed_query, with_file_names
from index.retrieval.explanations import heat_map, word_shares
from index.storage.tags import read_tags
from training.models.errors import UserError


def image_facts(library: Library, ask: Mapping[str, Any]) -> dict[str, Any]:
    """What is known about the image ask["id"]: its facts, the columns its source had, and its tags."""
    collection = library.collection(ask.get("collection")).published()
    row = _row(collection, str(ask.get("id")))
    modified = row["modified"]
    facts = {
        "id": row["id"],
        "file": file_name(row["path"]),
        "path": row["path"],
        "source": row["source"] if library.local else "",
        "caption": row["caption"],
        "width": int(row["width"]),
        "height": int(row["height"]),
        "bytes": int(row["bytes"]),
        "date": f"{modified.day} {modified:%B %Y}" if modified == modified and modified.year > 1970 else "",
    }
    others = {name: _cell(row[name]) for name in row.index if name not in FACTS}
    columns = {name: text for name, text in others.items() if text}
    return {"facts": facts, "columns": columns, "tags": read_tags(collection.path).get(row["id"], [])}


def explain_image(library: Library, ask: Mapping[str, Any]) -> dict[str, Any]:
    """Why the image ask["id"] answers the question: shares of its words, and with ask["heat"] a heat map.

    The map is of the preview that the page shows, [GRID][GRID] in 0..1.
    """
    opened, request = read_request(library, ask)
    collection, id = opened.published(), str(ask.get("id"))
    _row(collection, id)
    if not request.terms:
        raise UserError("Nothing is asked for, so there is nothing to explain; search for something first.")
    encoder = library.encoder(opened)
    collection.check_encoder(encoder)
    terms = with_file_names(request.terms, collection)
    vector = embed_query(terms, collection, encoder)
    answer: dict[str, Any] = {"id": id}
    if ask.get("heat"):
        preview = collection.thumbnail(id)
        if preview is None:
            raise UserError("This image has no preview any more; build the collection again.")
        with Image.open(preview) as image:
            answer["heat"] = heat_map(image.convert("RGB"), vector, encoder).round(3).tolist()
    elif any(term.text for term in terms):
        shares = word_shares(terms, collection.vector(id), encoder)
        with_text = [term for term in terms if term.text]
        answer["words"] = [
            {"word": share.word, "share": round(share.share, 4), "sign": term.sign}
            for term, of_term in zip(with_text, shares, strict=True)
            for share in of_term
        ]
    return answer


def image_credits(library: Library, ask: Mapping[str, Any]) -> dict[str, Any]:
    """Whom the images are by, most images first, where the collection says so."""
    collection = library.collection(ask.get("collection")).published()
    if "attribution" not in collection.items:
        return {"credits": []}
    columns = [c for c in ("attribution", "licence") if c in collection.items]
    counts = collection.items[columns].fillna("").value_counts().head(200)
    return {"credits": [{"by": " · ".join(filter(None, key)), "images": int(n)} for key, n in counts.items()]}


def file_name(path: str) -> str:
    """The last part of a path or of a shard's member."""
    return path.replace("\\", "/").rpartition("/")[2]


def _row(collection: Collection, id: str) -> pd.Series:
    try:
        return collection.items.iloc[collection.row(id)]
    except KeyError as error:
        raise UserError("That image is not in the collection any more; search again.") from error


def _cell(value: Any) -> str:
    """A cell as people read it; nothing for a missing one."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:g}" if isinstance(value, float) else str(value)
