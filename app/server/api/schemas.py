"""Requests of REST and gradio_client; /openapi.json is made of them and of the responses."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.state.label_requests import MOST_TEMPLATES, label_request
from app.state.search_requests import MOST_FILTERS, CopiesFields, Name, SearchFields, Text
from index.labels.queue import Order
from index.labels.request import CalibrationKind, LabelRequest, Mode
from index.retrieval.facets import FacetFilter, read_facet_filters
from training.models.zero_shot import ClassName

MOST_CLASSES, MOST_QUEUED = 20_000, 1200


class Request(BaseModel):
    """The fields of a request. An unknown one is an error, so that no misspelt filter is passed over."""

    model_config = ConfigDict(extra="forbid")


class Schema(Request):
    """The fields of a request about a collection."""

    collection: Name = Field("", description="Key of a collection, see /api/v1/collections; empty for the first.")


class SearchSchema(SearchFields):
    """Images that match texts, images or both, best first."""

    facets: Annotated[list[Text], Field(max_length=MOST_FILTERS)] = Field(
        [], description="COLUMN=VALUE, only images with this value; values of one column are alternatives."
    )

    def facet_filters(self) -> list[FacetFilter]:
        return read_facet_filters(self.facets)


class CopiesSchema(CopiesFields):
    """The copies of an image of the collection, the best first; itself is one of them."""


class LabelSchema(Schema):
    templates: Name = Field("photo", description="Prompt templates of the classes: plain, photo, 7 or 80.")
    mode: Mode = Field(
        LabelRequest.mode, description="one: the classes share a probability of 1; any: each class has its own."
    )
    none: bool = Field(LabelRequest.none, description="Whether none of the classes is possible too.")
    none_level: float = Field(
        LabelRequest.none_level, description="Logits that are added to that class.", allow_inf_nan=False
    )
    calibration: CalibrationKind = Field(
        LabelRequest.calibration,
        description="calibrated on the collection's labels where there are enough; uncalibrated: the softmax of the "
        "encoder's own logits; unscaled: the softmax of the cosines.",
    )


class ClassifyUploadSchema(LabelSchema):
    classes: Annotated[list[Text], Field(min_length=1, max_length=MOST_CLASSES)] = Field(description="Names.")


class ClassTexts(Request):
    """A class with the texts that are embedded for it."""

    name: Text
    texts: Annotated[list[Text], Field(max_length=MOST_CLASSES)] = Field([], description="The name if left out.")


class ClassesSchema(LabelSchema):
    """A list of classes."""

    classes: Annotated[list[Text | ClassTexts], Field(min_length=1, max_length=MOST_CLASSES)] = Field(
        description='Names, or {"name": "food", "texts": ["food", "meal", "dish"]}.'
    )

    own_templates: Annotated[list[Text], Field(max_length=MOST_TEMPLATES)] = Field(
        [], description="Prompt templates of your own instead of `templates`, each with {} where the class goes."
    )

    @property
    def class_names(self) -> list[ClassName]:
        return [ClassName(c) if isinstance(c, str) else ClassName(c.name, tuple(c.texts)) for c in self.classes]

    def label_request(self) -> LabelRequest:
        """UserError for more than the server takes."""
        return label_request(
            self.class_names,
            self.templates,
            custom="\n".join(self.own_templates) if self.own_templates else None,
            mode=self.mode,
            none=self.none,
            none_level=self.none_level,
            calibration=self.calibration,
        )


class QueueSchema(ClassesSchema):
    """The images of a collection to label by hand next, the least certain labels first."""

    order: Order = Field("margin", description="Smallest margin, highest entropy, largest disagreement, or at random.")
    second: Name = Field("", description="For disagreement: key of a collection of the same images, another encoder.")
    k: int = Field(24, ge=1, le=MOST_QUEUED, description="How many.")


class ClassifySchema(ClassesSchema):
    """Which of some classes an image shows, most probable first."""

    id: Name = Field("", description="Id of an image of the collection.")
    image: Name = Field("", description="Token of an uploaded image, instead of an id.")

    @model_validator(mode="after")
    def one_image(self) -> "ClassifySchema":
        if bool(self.id) == bool(self.image):
            raise ValueError("name one image, by its id or by its upload token")
        return self


class ImageSchema(Request):
    """An image of the collection by its id, or an uploaded one by its token."""

    id: Name = ""
    image: Name = ""

    @model_validator(mode="after")
    def one_image(self) -> "ImageSchema":
        if bool(self.id) == bool(self.image):
            raise ValueError("name an image by its id or by its upload token")
        return self


class ProbeSchema(Schema):
    """Two images, two captions: which belongs to which?"""

    images: Annotated[list[ImageSchema], Field(min_length=2, max_length=2)]
    captions: Annotated[list[Annotated[Text, StringConstraints(min_length=1)]], Field(min_length=2, max_length=2)] = (
        Field(description="The first belongs to the first image, the second to the second.")
    )


class GeneratedSchema(Schema):
    """A generated pair of images with its captions."""

    kind: Name = Field("colour swap", description="colour swap, relation swap, role swap or count swap.")
    i: int = Field(0, ge=0, description="Number of the pair.")


class CollectionsSchema(BaseModel):
    """What is open."""


class CollectionSchema(BaseModel):
    """One collection."""

    key: Name


class NameSchema(Request):
    """A model, or a generation of a collection, by its name."""

    name: Name


class SwitchSchema(Request):
    """Which generation serves."""

    name: Name = Field("", description="An encoder's name or the start of its fingerprint; empty to go back.")


class GetModelSchema(NameSchema):
    accept_licence: bool = Field(False, description="Needed for weights whose licence restricts their use.")
    collection: Name = Field("", description="Key of a collection to embed with it as soon as it is here.")
