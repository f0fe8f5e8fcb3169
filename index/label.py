"""Label a whole collection by a list of classes."""

from index.collection import Collection
from index.labels.export import COLUMNS, labels_csv
from index.labels.labelling import Labelling
from index.labels.predictions import Progress
from index.labels.request import NONE, LabelRequest
from index.labels.result import LabelResult
from training.models.encoder import Encoder
from training.models.zero_shot import ClassEmbeddings

__all__ = ["COLUMNS", "NONE", "LabelRequest", "LabelResult", "Labelling", "label_collection", "labels_csv"]


def label_collection(
    collection: Collection,
    encoder: Encoder,
    request: LabelRequest,
    progress: Progress = lambda done, total: None,
) -> LabelResult:
    """The label of every image, its probability, and what that rests on.

    UserError if the collection was made by another encoder. progress is called with images done and their total.
    """
    return Labelling(collection, ClassEmbeddings(encoder), request, progress).result
