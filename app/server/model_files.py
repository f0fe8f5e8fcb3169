"""PUT a file of a model: one of a repository of the hub that came from another machine, or weights of its own."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from app.state.library import Library
from app.state.models import place_for
from training.models.atomic import replace_file, temporary_name
from training.models.errors import UserError


def model_file_routes(library: Library) -> APIRouter:
    """The route; only for this computer, as everything that changes what is stored here."""
    router = APIRouter()

    @router.put("/models/files/{name}")
    async def store(name: str, request: Request, repository: str = "") -> JSONResponse:
        """Store the body under the name of the file. The answer says where it lies."""
        try:
            if not library.local:
                raise UserError("Models are changed from this computer only: others can reach this page.")
            path = place_for(repository, name)
            await _receive(request.stream(), path)
        except UserError as error:
            return JSONResponse({"error": str(error)}, 400)
        except OSError as error:
            return JSONResponse({"error": f"{name} cannot be stored: {error.strerror or error}."}, 400)
        return JSONResponse({"path": str(path)})

    return router


async def _receive(body: AsyncIterator[bytes], path: Path) -> None:
    """Write a body as it comes; the file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = temporary_name(path)
    try:
        with beside.open("wb") as file:
            async for part in body:
                await run_in_threadpool(file.write, part)
            file.flush()
            os.fsync(file.fileno())
        replace_file(beside, path)
    finally:
        beside.unlink(missing_ok=True)
