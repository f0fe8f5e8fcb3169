"""Winoground's question about one example, by REST or gradio_client."""

from app.server.api.responses import ProbeResponse
from app.server.api.schemas import ProbeSchema
from app.state.images import ImageReference
from app.state.library import Library
from app.state.pairs import pair_scores
from training.evaluation.winoground import wins_of_matrix


def probe(library: Library, fields: ProbeSchema) -> ProbeResponse:
    """Which of two captions belongs to which of two images."""
    opened = library.collection(fields.collection)
    encoder = library.encoder(opened)
    references = [ImageReference(image.id, image.image, opened.key) for image in fields.images]
    scores = pair_scores(library, opened, encoder, references, fields.captions)
    wins = {name: bool(won[0]) for name, won in wins_of_matrix(scores[None]).items()}
    return ProbeResponse(collection=opened.key, encoder=encoder.name, scores=scores.round(5).tolist(), **wins)
