"""Images that were chosen on the page: all results, a day, a range or single ones, resolved where the collection is."""

from pydantic import BaseModel, Field

from app.language.current import _
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.search_requests import MOST, BrowseFields, Name, run_browse, run_listing
from index.retrieval.choosing import MOST_SPANS, Choice
from training.models.errors import UserError


class ChosenOfList(BaseModel):
    """What is chosen of a list: by its places in a version of the list, and by ids."""

    spans: list[tuple[int, int]] = Field([], max_length=MOST_SPANS)
    ids: list[Name] = Field([], max_length=MOST)
    left_out: list[Name] = Field([], max_length=MOST)
    version: Name = ""


class ChosenFields(BrowseFields, ChosenOfList):
    """What is chosen of a search or of a timeline, whose other fields say which list spans are places of."""


def chosen_ids(library: Library, fields: ChosenFields) -> tuple[OpenCollection, list[str]]:
    """The collection and the ids of what is chosen. UserError if nothing is, or if the list has changed since."""
    opened = library.collection(fields.collection)
    choice = Choice(fields.spans, fields.ids, fields.left_out, fields.version)
    if not choice.spans:
        listed: list[str] = []
        version = ""
    elif fields.has_terms:
        listed, version = run_listing(library, fields, choice.end)
    else:
        found = run_browse(library, fields)[1]
        listed, version = found.ids(choice.end), found.version
    ids = choice.of(listed, version)
    if not ids:
        raise UserError(_("No image is chosen."))
    return opened, ids
