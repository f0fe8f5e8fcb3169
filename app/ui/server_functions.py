"""Python functions that a component's script calls on the server, as `server.find(request)`."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec

from app.state.library import Library
from training.models.errors import UserError

P = ParamSpec("P")
Response = dict[str, Any]


def server_functions(library: Library, **handlers: Callable[..., Mapping[str, Any]]) -> list[Callable[..., Response]]:
    """For gr.HTML(server_functions=...): each handler under the name that the script calls it by.

    A handler takes the library and, if it has a second parameter, the request, a dictionary. A UserError becomes
    the response {"error": sentence}, which scripts show.
    """
    return [_server_function(library, name, handler) for name, handler in handlers.items()]


def _server_function(
    library: Library, name: str, handler: Callable[..., Mapping[str, Any]]
) -> Callable[[Any], Response]:
    takes_request = len(signature(handler).parameters) > 1
    safe = error_as_response(handler)

    def function(request: object = None) -> Response:
        if not takes_request:
            return safe(library)
        if not isinstance(request, dict):  # the page's own scripts always send one
            return {"error": "A request is an object of named fields."}
        return safe(library, request)

    function.__name__ = name  # Gradio finds functions by this name
    return function


def error_as_response(handler: Callable[P, Mapping[str, Any]]) -> Callable[P, Response]:
    """handler, except that a UserError is returned as {"error": sentence} instead of raised."""

    @wraps(handler)
    def call(*args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return dict(handler(*args, **kwargs))
        except UserError as error:
            return {"error": str(error)}

    return call
