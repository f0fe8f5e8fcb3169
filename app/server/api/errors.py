"""Errors of the server as JSON: {"error": one sentence}, with a status that says whose mistake it was."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from app.server.api.responses import ErrorResponse
from app.state.errors import NotFound, NotReady
from app.state.validation import sentence
from training.models.errors import UserError

RETRY_AFTER = 5  # seconds
ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorResponse, "description": "The request makes no sense, or cannot be done."},
    404: {"model": ErrorResponse, "description": "What the request names does not exist."},
    422: {"model": ErrorResponse, "description": "A field is missing, misspelt or of the wrong kind."},
    503: {"model": ErrorResponse, "description": "What the request needs is still being loaded; send it again."},
}


def handle_errors(server: FastAPI) -> None:
    """Answer every error of a route with JSON."""

    async def user_error(_: Request, error: Exception) -> JSONResponse:
        status = 404 if isinstance(error, NotFound) else 503 if isinstance(error, NotReady) else 400
        return _response(str(error), status, {"retry-after": str(RETRY_AFTER)} if status == 503 else None)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return _response(sentence(error.errors()), 422)

    async def failed(_: Request, error: Exception) -> JSONResponse:  # the server logs it all the same
        return _response("Something went wrong here; the terminal has the details.", 500)

    server.add_exception_handler(UserError, user_error)
    server.add_exception_handler(RequestValidationError, invalid)
    server.add_exception_handler(Exception, failed)


def _response(sentence: str, status: int, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(ErrorResponse(error=sentence).model_dump(), status, headers)
