"""The encoder of a collection for what needs text."""

from app.language.current import _
from app.state.library import Library
from app.state.open_collection import OpenCollection
from training.models.encoder import Encoder
from training.models.errors import UserError


def text_encoder(library: Library, key: str | None) -> tuple[OpenCollection, Encoder]:
    """The open collection with that key and its encoder; UserError if it has no text encoder."""
    opened = library.collection(key)
    encoder = library.encoder(opened)
    if not encoder.reads_text:
        raise UserError(
            _(
                "{name} has no text encoder, and this needs one; choose a collection of another encoder "
                "at the top, or look at its neighbours under Compare.",
                name=encoder.name,
            )
        )
    return opened, encoder
