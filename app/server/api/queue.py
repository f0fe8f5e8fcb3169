"""The images of a collection that a person should label next, by REST or gradio_client."""

from pydantic import BaseModel, Field

from app.server.api.schemas import ClassesSchema, Name
from app.state.label_requests import label_request
from app.state.labellings import second_member
from app.state.library import Library
from index.labels.labelling import Labelling
from index.labels.queue import Order

MOST_QUEUED = 1200


class QueueSchema(ClassesSchema):
    """The images of a collection to label by hand next, the least certain labels first."""

    order: Order = Field("margin", description="Smallest margin, highest entropy, largest disagreement, or at random.")
    second: Name = Field("", description="For disagreement: key of a collection of the same images, another encoder.")
    k: int = Field(24, ge=1, le=MOST_QUEUED, description="How many.")


class QueuedImage(BaseModel):
    id: str
    file: str = Field(description="Where it is inside its source.")  # "path" would be a download to gradio_client
    label: str
    probability: float
    runner_up: str = Field(description="Empty where there is one class.")
    margin: float = Field(description="Probability of the label less that of the runner-up.")


class QueueResponse(BaseModel):
    collection: str
    encoder: str
    images: list[QueuedImage]


def queue(library: Library, fields: QueueSchema) -> QueueResponse:
    """Label the collection, and the images whose labels are least certain and that nobody has labelled by hand."""
    opened = library.collection(fields.collection)
    encoder = library.encoder(opened)
    request = label_request(
        fields.class_names,
        fields.templates,
        mode=fields.mode,
        none=fields.none,
        none_level=fields.none_level,
        calibration=fields.calibration,
    )
    labelling = Labelling(opened.published(), library.classifiers.embeddings(encoder), request)
    member = second_member(library, fields.second, labelling) if fields.order == "disagreement" else None
    rows = labelling.to_review(fields.order, fields.k, member)
    images = [QueuedImage(file=one["path"], **one) for one in labelling.result.records(rows)]
    return QueueResponse(collection=opened.key, encoder=encoder.name, images=images)
