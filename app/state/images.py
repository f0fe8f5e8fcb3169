"""From what a request names an image by, an id of a collection or an upload token, to pixels or an embedding."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from app.language.current import _
from app.state.errors import NotFound
from app.state.library import Library
from app.state.open_collection import OpenCollection
from training.data.pipeline import embed_bytes
from training.models.encoder import Encoder, Vectors
from training.models.errors import UserError


@dataclass(frozen=True)
class ImageReference:
    """One image: an id of an open collection, or the token of an uploaded image.

    collection: key of the collection that the id belongs to; "" for the first one.
    """

    id: str = ""
    token: str = ""
    collection: str = ""

    def __post_init__(self) -> None:
        if bool(self.id) == bool(self.token):
            raise UserError(_("Name one image, by its id or by its upload token."))

    @classmethod
    def read(cls, fields: Mapping[str, object] | None, collection: str = "") -> "ImageReference | None":
        """The image that the fields id, image (a token) and collection name; None if they name none."""
        fields = fields or {}
        token, id = str(fields.get("image") or fields.get("token") or ""), str(fields.get("id") or "")
        if not (token or id):
            return None
        return cls("" if token else id, token, str(fields.get("collection") or collection or ""))


def image_of(library: Library, reference: ImageReference) -> Image.Image:
    """The image in RGB: the upload, or the thumbnail of a stored image."""
    if reference.token:
        return library.uploads.get(reference.token).convert("RGB")
    return thumbnail_of(library.collection(reference.collection), reference.id)


def thumbnail_of(opened: OpenCollection, id: str) -> Image.Image:
    """The thumbnail of a stored image, in RGB. NotFound if the id is unknown; UserError if its thumbnail is gone."""
    collection = opened.published()
    _row_of(opened, id)
    path = collection.thumbnail(id)
    if path is None:
        raise UserError(_("This image has no thumbnail any more; build the collection again."))
    with Image.open(path) as thumbnail:
        return thumbnail.convert("RGB")


def embedding_of(library: Library, reference: ImageReference, opened: OpenCollection, encoder: Encoder) -> Vectors:
    """[dim], unit length: stored where opened holds the image, else embedded, an upload as a build embeds it.

    encoder: the one that opened was built with; UserError if it is another.
    """
    if not reference.token and library.collection(reference.collection) is opened:
        collection = opened.published()
        collection.check_encoder(encoder)
        _row_of(opened, reference.id)
        return np.asarray(collection.vector(reference.id))
    if reference.token:
        return embed_bytes(library.uploads.data(reference.token), encoder, opened.published().max_megapixels)
    vectors: Vectors = encoder.embed_images([image_of(library, reference)])
    return vectors[0]


def _row_of(opened: OpenCollection, id: str) -> int:
    try:
        return opened.published().row(id)
    except KeyError as error:
        raise NotFound(
            _("There is no image {id} in {name} any more; choose another.", id=repr(id[:80]), name=opened.name)
        ) from error
