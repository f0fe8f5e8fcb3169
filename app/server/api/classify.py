"""The classes of one image, by REST or gradio_client."""

from app.server.api.responses import Calibration, ClassifyResponse, ClassProbability
from app.server.api.schemas import ClassifySchema
from app.state.images import ImageReference, embedding_of
from app.state.library import Library
from index.labels.request import NONE


def classify(library: Library, fields: ClassifySchema) -> ClassifyResponse:
    """Which of some classes an image shows, most probable first."""
    opened = library.collection(fields.collection)
    encoder = library.encoder(opened)
    request = fields.label_request()
    classifier = library.classifiers.classifier(opened, encoder, request)
    image = ImageReference(fields.id, fields.image, opened.key)
    scores = classifier.classify(embedding_of(library, image, opened, encoder))
    next_best = scores[1].probability if len(scores) > 1 else 0.0
    nothing = request.mode == "any" and scores[0].probability <= 0.5
    return ClassifyResponse(
        collection=opened.key,
        encoder=encoder.name,
        label=NONE if nothing else scores[0].name,
        margin=round(scores[0].probability - next_best, 5),
        classes=[
            ClassProbability(name=c.name, probability=round(c.probability, 5), cosine=round(c.cosine, 4))
            for c in scores
        ],
        calibration=Calibration(**classifier.calibration.as_dict()),
    )
