"""Winoground's question about one example, by REST or gradio_client."""

from typing import Any

from app.server.api.responses import ProbeResponse
from app.server.api.schemas import GeneratedSchema, ProbeSchema
from app.state.images import ImageReference
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.pairs import judged_example, judged_pair
from app.state.text_encoder import text_encoder


def probe(library: Library, fields: ProbeSchema) -> ProbeResponse:
    """Which of two captions belongs to which of two images."""
    opened, encoder = text_encoder(library, fields.collection)
    references = [ImageReference(image.id, image.image, opened.key) for image in fields.images]
    return _response(opened, judged_pair(library, opened, encoder, references, fields.captions))


def generated(library: Library, fields: GeneratedSchema) -> ProbeResponse:
    """The same for a generated pair of the page."""
    opened, encoder = text_encoder(library, fields.collection)
    return _response(opened, judged_example(encoder, fields.kind, fields.i))


def _response(opened: OpenCollection, judged: dict[str, Any]) -> ProbeResponse:
    scores = [[round(score, 5) for score in row] for row in judged["scores"]]
    facts = {"collection": opened.key, "encoder": opened.encoder_name, "captions": judged["captions"]}
    return ProbeResponse(**facts, scores=scores, **judged["wins"])
