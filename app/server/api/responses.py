"""Responses of REST and gradio_client; /openapi.json is made of them and of the requests."""

from pydantic import BaseModel, ConfigDict, Field

from index.labels.request import CalibrationKind
from index.retrieval.request import Collapse
from index.retrieval.result import Matched, Pending
from index.several import Merged
from index.storage.cells import JsonCell


class HitResponse(BaseModel):
    rank: int
    collection: str = Field(description="Key of the collection that holds it.")
    id: str
    name: str = Field(description="The image's caption, or the name of its file.")
    file: str = Field(description="Where it is inside its source.")  # "path" would be a download to gradio_client
    score: float | None = Field(description="Cosine to the query; null without one.")
    normalised_score: float | None = Field(None, description="In units of the relevance threshold; from 1 on likely.")
    likely: bool | None = Field(
        None, description="Whether it reaches the threshold or has all words of the query; null if none is shown."
    )
    matched: Matched | None = Field(
        None,
        description="What it was found by: image, its embedding; text, its name, caption or tags; or both. "
        "Null without a query.",
    )
    tags: list[str] = []
    copies: int = Field(
        1, description="How many files it stands for, itself included; it is the best of them. See /api/v1/copies."
    )
    offline: bool = Field(False, description="Whether its file was out of reach at the last build of its source.")
    preview: str = Field(description="Address of its thumbnail, a WebP.")
    columns: dict[str, JsonCell] = Field(description="Its facts, and the columns that its source had.")


class SearchResponse(BaseModel):
    collection: str = Field(description="Key of the collection; empty where several were searched.")
    collections: list[str] = Field(description="Keys of the collections, where several were searched.")
    merged: Merged | None = Field(description="What hits of several collections are compared by.")
    encoder: str = Field(description="Of the collection; empty where several were searched.")
    images: int = Field(description="How many the collection holds.")
    matching: int = Field(description="How many of them pass the filters.")
    distinct: int = Field(description="How many these are if copies count once.")
    collapse: Collapse = Field(
        description="Copies that count once: less than requested while similar shots are being found."
    )
    likely: int | None = Field(description="How many reach the relevance threshold; null if none is shown.")
    threshold: float | None = Field(description="The normalised score from which one is likely; null if none is shown.")
    pending: list[Pending] = Field(
        description="What was not ready in time and is left out: threshold; texts, which are names and captions; "
        "copies. The same request has it soon."
    )
    milliseconds: float | None = Field(description="Time spent, from the encoder being ready; null without a query.")
    results: list[HitResponse]


class ClassProbability(BaseModel):
    name: str
    probability: float
    cosine: float = Field(description="Of the image and the class; of “none”, of the nearest everyday thing.")


class Calibration(BaseModel):
    kind: CalibrationKind
    labels: int = Field(description="Labelled images that probabilities were fitted to; 0 if they were not.")
    known: int = Field(description="Labelled images of these classes in the collection.")
    covered: int = Field(description="How many of the classes these show.")
    temperature: float = Field(description="What logits are divided by.")


class ClassifyResponse(BaseModel):
    collection: str
    encoder: str
    label: str = Field(description="The likeliest; “none” where that was allowed and won.")
    margin: float = Field(description="How much likelier it is than the next; 1 if there is one class.")
    classes: list[ClassProbability] = Field(description="Likeliest first.")
    calibration: Calibration = Field(description="What the probabilities rest on.")


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


class ProbeResponse(BaseModel):
    collection: str
    encoder: str
    captions: list[str]
    scores: list[list[float]] = Field(description="Cosines, a row an image, a column a caption.")
    text: bool = Field(description="Whether each image is nearer to its own caption; chance 1/4.")
    image: bool = Field(description="Whether each caption is nearer to its own image; chance 1/4.")
    group: bool = Field(description="Whether both hold; chance 1/6.")


class CollectionSummary(BaseModel):
    key: str
    name: str
    images: int = Field(description="How many images are searchable.")
    encoder: str
    state: str = Field(description="State of its encoder: loading, ready or failed.")
    problem: str = Field("", description="What is wrong with it, if anything is.")
    job: str | None = Field(None, description="Id of the job that last worked on it.")


class CollectionDetails(CollectionSummary):
    dim: int | None = None
    failed: int = Field(0, description="How many images could not be read.")
    files: dict[str, int] = Field({}, description="Every file of its sources in exactly one count, and their total.")
    offline: int = Field(0, description="How many of its images were out of reach at the last build.")
    revision: int = Field(0, description="Grows with each published change.")
    columns: list[str] = Field([], description="What `where` can compare.")
    tags: list[str] = []


class ModelResponse(BaseModel):
    name: str
    state: str = Field(description="On this machine: ready, partial or absent.")
    here: int = Field(description="Bytes on this disk.")
    bytes: int | None = Field(None, description="Of the whole download; null if that is not known.")
    recommended: bool = Field(description="Whether it is the one to offer on this machine.")
    serving: bool = Field(description="Whether the collection is searched by it.")
    seconds: float | None = Field(None, description="To embed the collection here; null while that is not known.")
    job: str | None = Field(None, description="Id of the job that fetches it, or did last.")
    use: str = ""
    licence: str = ""
    licence_url: str = ""
    commercial: bool = True
    languages: str = ""
    imagenet: float | None = Field(None, description="Zero-shot accuracy in percent, as published by `source`.")
    flickr: tuple[float, ...] | None = Field(None, description="Recall at 1 on Flickr30k in percent.")
    coco: tuple[float, ...] | None = Field(None, description="The same on COCO; text to image first.")
    source: str = ""


class ModelsResponse(BaseModel):
    online: bool | None = Field(description="Whether the hub can be reached; null while that is not known.")
    encoder: str = Field(description="What the collection is searched by.")
    images: int
    models: list[ModelResponse]


class GenerationResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    encoder: str
    fingerprint: str
    dim: int
    precision: str
    images: int
    missing: int = Field(description="Images that have no embedding by it yet.")
    state: str = Field(description="serving, ready to be switched to, or partial.")
    previous: bool = Field(description="Whether it served before.")
    bytes: int = Field(description="On disk.")


class Done(BaseModel):
    bytes: int = Field(0, description="That are free again.")


class JobState(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: str
    about: str = Field(description="Key of the collection that it works on.")
    state: str = Field(description="running, done or failed.")
    done: int
    total: int
    failed: int = Field(description="Images that could not be read.")
    rate: float = Field(description="Images a second.")
    left: float | None = Field(description="Seconds left; null while that is not known.")
    seconds: float
    note: str
    error: str
    confirm: bool = Field(description="A person has to confirm on the page that images were deleted.")


class UploadResponse(BaseModel):
    image: str = Field(description="The token that requests name it by, until many later uploads take its place.")
    width: int
    height: int


class ErrorResponse(BaseModel):
    error: str = Field(description="One sentence: what was wrong, and what would work.")
