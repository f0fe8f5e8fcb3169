"""The API for gradio_client: each function takes the fields of a request schema and returns a response as JSON."""

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import Any, TypeVar

import gradio as gr
from pydantic import BaseModel

from app.server.api.classify import classify
from app.server.api.collections import collection, collections
from app.server.api.probe import probe
from app.server.api.queue import queue
from app.server.api.schemas import (
    ClassifySchema,
    CollectionSchema,
    CollectionsSchema,
    CopiesSchema,
    ProbeSchema,
    QueueSchema,
    SearchSchema,
)
from app.server.api.search import copies, search
from app.state.library import Library
from app.state.validation import validated
from training.models.errors import UserError

R = TypeVar("R", bound=BaseModel)
Handler = Callable[[Library, R], BaseModel | Sequence[BaseModel]]


def client_functions(library: Library) -> None:
    """Declare the functions inside the page's Blocks."""
    _declare(library, "search", SearchSchema, search)
    _declare(library, "copies", CopiesSchema, copies)
    _declare(library, "classify", ClassifySchema, classify)
    _declare(library, "queue", QueueSchema, queue)
    _declare(library, "probe", ProbeSchema, probe)
    _declare(library, "collections", CollectionsSchema, lambda library, _: collections(library))
    _declare(library, "collection", CollectionSchema, lambda library, request: collection(library, request.key))


def _declare(library: Library, name: str, schema: type[R], handler: Handler[R]) -> None:
    """Gradio reads names, types and defaults from the signature, which is made from the fields of schema."""
    fields = dict(sorted(schema.model_fields.items(), key=lambda field: not field[1].is_required()))  # required first

    def function(*values: object) -> Any:
        try:
            response = handler(library, validated(schema, dict(zip(fields, values, strict=True))))
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error
        if isinstance(response, BaseModel):
            return response.model_dump()
        return [one.model_dump() for one in response]

    hints = {field_name: field.annotation for field_name, field in fields.items()}
    returns = list[Any] if name in ("collections", "copies") else dict[str, Any]
    parameters = [
        Parameter(
            field_name,
            Parameter.POSITIONAL_OR_KEYWORD,
            default=Parameter.empty if field.is_required() else field.get_default(call_default_factory=True),
            annotation=field.annotation,
        )
        for field_name, field in fields.items()
    ]
    function.__signature__ = Signature(parameters, return_annotation=returns)  # type: ignore[attr-defined]
    function.__annotations__ = {**hints, "return": returns}
    function.__name__, function.__doc__ = name, schema.__doc__
    gr.api(function, api_name=name, concurrency_limit=4, concurrency_id="api")
