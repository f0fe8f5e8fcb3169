"""The images of a collection that a person should label next, by REST or gradio_client."""

from app.server.api.responses import QueuedImage, QueueResponse
from app.server.api.schemas import QueueSchema
from app.state.labellings import second_member
from app.state.library import Library
from index.labels.labelling import Labelling


def queue(library: Library, fields: QueueSchema) -> QueueResponse:
    """Label the collection, and the images whose labels are least certain and that nobody has labelled by hand."""
    opened = library.collection(fields.collection)
    encoder = library.encoder(opened)
    labelling = Labelling(opened.published(), library.classifiers.embeddings(encoder), fields.label_request())
    member = second_member(library, fields.second, labelling) if fields.order == "disagreement" else None
    rows = labelling.to_review(fields.order, fields.k, member)
    images = [QueuedImage(file=one["path"], **one) for one in labelling.result.records(rows)]
    return QueueResponse(collection=opened.key, encoder=encoder.name, images=images)
