"""Winoground's question about one example, by REST or gradio_client."""

from app.server.api.schemas import ProbeResponse, ProbeSchema
from app.state.images import ImageReference, embedding_of
from app.state.library import Library
from training.evaluation.winoground import pair_matrix, wins_of_matrix


def probe(library: Library, fields: ProbeSchema) -> ProbeResponse:
    """Which of two captions belongs to which of two images."""
    opened = library.collection(fields.collection)
    encoder = library.encoder(opened)
    references = [ImageReference(image.id, image.image, opened.key) for image in fields.images]
    images = [embedding_of(library, reference, opened, encoder) for reference in references]
    captions = encoder.embed_texts(fields.captions)
    scores = pair_matrix(*(row[None] for row in [*images, *captions]))
    wins = {name: bool(won[0]) for name, won in wins_of_matrix(scores).items()}
    return ProbeResponse(collection=opened.key, encoder=encoder.name, scores=scores[0].round(5).tolist(), **wins)
