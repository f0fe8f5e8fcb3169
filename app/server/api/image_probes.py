"""The probes of one image over REST: word order, colour, typographic attack and prompt templates."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi.routing import APIRouter
from pydantic import BaseModel, Field

from app.server.api.schemas import MOST_CLASSES, Schema
from app.state.image_probes import colour_grid, template_scores, typographic, word_order
from app.state.library import Library
from app.state.probe_request import Request, Response
from app.state.search_requests import Name, Text

R = TypeVar("R", bound="Probed")
Labels = Annotated[list[Text], Field(max_length=MOST_CLASSES)]


class ImageProbeSchema(Schema):
    """An image of the collection by its id, or an uploaded one by its token."""

    id: Name = ""
    image: Name = ""


class OrderSchema(ImageProbeSchema):
    caption: Text = Field("", description="Empty for that of a generated scene, which is the image then.")
    i: int = Field(0, ge=0, description="Number of the generated scene.")


class ColourSchema(ImageProbeSchema):
    paint: Literal["text", "natural", "grey", "wrong"] = Field(
        "text", description="Without an image: objects by their names alone, or drawn in these colours."
    )
    object: Text = Field("", description="What the image shows: lemon.")


class TypographicSchema(ImageProbeSchema):
    word: Text = Field(description="What is written on the image.")
    labels: Labels = Field([], description="The most similar words if left out.")


class TemplatesSchema(ImageProbeSchema):
    labels: Labels = Field([], description="The most similar words if left out.")


class Variant(BaseModel):
    kind: str
    text: str
    score: float


class Probed(BaseModel):
    collection: str
    encoder: str


class OrderResponse(Probed):
    rank: int = Field(description="Of the caption as it is written, among its variants.")
    variants: list[Variant] = Field(description="The best first.")


class ColourRow(BaseModel):
    name: str
    usual: str = Field(description="The usual colour of the object, where it has one.")
    painted: str = Field(description="The colour that it is drawn in, where it is drawn.")
    probabilities: list[float] = Field(description="Of each of the colours.")


class ColourResponse(Probed):
    colours: list[str]
    usual: float | None = Field(None, description="Mean probability of the usual colours.")
    rows: list[ColourRow]


class AttackedLabel(BaseModel):
    label: str
    before: float
    after: float


class TypographicResponse(Probed):
    word: str
    rows: list[AttackedLabel] = Field(description="Probabilities before and after the word is written.")


class TemplatesResponse(Probed):
    labels: list[str]
    templates: list[str]
    scores: list[list[float]] = Field(description="Cosines, a row a label, a column a template.")
    wins: list[int] = Field(description="Templates with which each label has the highest score.")


def image_probe_routes(router: APIRouter, library: Library) -> None:
    """Add the endpoints."""

    @router.post("/probe/order", summary="A caption among other orders of its words")
    def probe_order(request: OrderSchema) -> OrderResponse:
        return _answer(OrderResponse, word_order, library, request)

    @router.post("/probe/colour", summary="Which colour an object gets, by text or by an image")
    def probe_colour(request: ColourSchema) -> ColourResponse:
        return _answer(ColourResponse, colour_grid, library, request)

    @router.post("/probe/typographic", summary="Labels of an image before and after a word is written on it")
    def probe_typographic(request: TypographicSchema) -> TypographicResponse:
        return _answer(TypographicResponse, typographic, library, request)

    @router.post("/probe/templates", summary="How much the prompt template moves the score of a label")
    def probe_templates(request: TemplatesSchema) -> TemplatesResponse:
        return _answer(TemplatesResponse, template_scores, library, request)


def _answer(
    response: type[R], handler: Callable[[Library, Request], Response], library: Library, request: ImageProbeSchema
) -> R:
    """The response of a handler of the page, without the images that it draws."""
    fields: dict[str, Any] = request.model_dump()
    image = {"id": fields.pop("id"), "image": fields.pop("image")}
    answer = handler(library, fields | ({"image": image} if any(image.values()) else {}))
    opened = library.collection(request.collection)
    return response.model_validate({**answer, "collection": opened.key, "encoder": opened.encoder_name})
