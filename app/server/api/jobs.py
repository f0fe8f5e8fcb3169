"""Jobs by REST."""

from fastapi import APIRouter

from app.server.api.responses import JobState
from app.state.errors import NotFound
from app.state.library import Library


def job_routes(router: APIRouter, library: Library) -> None:
    """Those that run, and those that ended and are still stored."""

    @router.get("/jobs", summary="Jobs that run or lately ran, the newest first")
    def list_jobs() -> list[JobState]:
        return [JobState.model_validate(job) for job in library.jobs.all()]

    @router.get("/jobs/{id}", summary="One job")
    def describe_job(id: str) -> JobState:
        found = library.jobs.get(id)
        if found is None:
            raise NotFound(f"There is no job {id[:80]!r} any more.")
        return JobState.model_validate(found)
