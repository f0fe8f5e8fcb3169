"""What the requests of probes hold: an image, labels, the number of an example."""

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from app.language.current import _
from app.state.images import ImageReference, image_of
from app.state.library import Library
from app.state.open_collection import OpenCollection
from training.models.errors import UserError

Request = Mapping[str, Any]
Response = dict[str, Any]

SIDE = 224  # pixels of generated images


def chosen_image(library: Library, opened: OpenCollection, fields: object) -> Image.Image:
    """The uploaded or stored image that fields of a request name."""
    return image_of(library, chosen_reference(opened, fields))


def chosen_reference(opened: OpenCollection, fields: object) -> ImageReference:
    """The image that fields of a request name. UserError if they name none."""
    reference = ImageReference.read(fields if isinstance(fields, dict) else None, opened.key)
    if reference is None:
        raise UserError(_("Choose an image to probe with: one of the collection, or your own."))
    return reference


def chosen_labels(given: str | Sequence[str] | None, most: int) -> list[str]:
    """Labels, of a text those separated by commas, each once; UserError for too many."""
    parts = str(given or "")[:2000].split(",") if given is None or isinstance(given, str) else given
    labels = list(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if len(labels) > most:
        raise UserError(
            _("Those are {n} labels; give {most} at most, with commas between them.", n=len(labels), most=most)
        )
    return labels


def whole_number(value: object) -> int:
    """value as a number of an example; 0 if it is none."""
    try:
        return abs(int(str(value)))
    except ValueError:
        return 0
