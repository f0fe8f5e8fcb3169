"""Work that outlives the request that started it, such as indexing and labelling: each job in a thread of its own."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from app.language.current import _
from training.models.errors import UserError

log = logging.getLogger(__name__)

STOPPING = 5.0  # seconds in which the jobs of a server that stops may stop
FINISHED = 16  # finished jobs whose results can still be fetched


class TooManyJobs(UserError):
    """As many jobs of a kind as are allowed at once are running."""


@dataclass
class Job:
    """One piece of work. state: running, done or failed; error is the sentence to show when it failed.

    fields: of the form that it was started with, to show them again beside the result. about: key of the
    collection that it works on. note: what it is doing, or its outcome, in a few words. confirm: whether it failed
    because a person has to say that images were deleted. again: starts the same work anew, where that goes on with
    what is done; None where it does not.
    """

    kind: str
    fields: tuple[object, ...] = ()
    about: str = ""
    note: str = ""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    state: str = "running"
    done: int = 0
    total: int = 0
    failed: int = 0
    rate: float = 0.0
    left: float | None = None
    error: str = ""
    result: Any = None
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    confirm: bool = False
    again: Callable[[], object] | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def as_dict(self) -> dict[str, Any]:
        """What the page needs to draw a progress bar."""
        fields = ("id", "kind", "about", "note", "state", "done", "total", "failed", "rate", "left", "error", "seconds")
        facts = {name: getattr(self, name) for name in fields}
        facts["confirm"] = self.confirm
        return facts | {"stopping": self.stopping.is_set() and self.state == "running", "resumes": self.resumes}

    @property
    def resumes(self) -> bool:
        """Whether it ended before its work was done, and `again` goes on with it."""
        ended_early = self.state == "failed" or (self.state == "done" and self.stopping.is_set())
        return self.again is not None and ended_early and not self.confirm


class Jobs:
    """Every job of this server, by id, so that a page that is reloaded finds them again. Safe from any thread."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}  # the newest last
        self._lock = threading.Lock()

    def start(
        self,
        kind: str,
        work: Callable[[Job], object],
        fields: tuple[object, ...] = (),
        about: str = "",
        limit: int | None = None,
        again: Callable[[], object] | None = None,
    ) -> Job:
        """Run work(job) in a thread; what it returns becomes job.result.

        limit: how many jobs of this kind may run at once, this one included; TooManyJobs beyond it. again: see Job.
        """
        job = Job(kind, fields, about, again=again)
        with self._lock:
            if limit is not None and self._running(kind) >= limit:
                raise TooManyJobs(
                    _("No more than {limit} jobs of this kind run at once; try again when one is done.", limit=limit)
                )
            self._jobs[job.id] = job
            finished = [old.id for old in self._jobs.values() if old.state != "running"]
            for id in finished[: max(0, len(finished) - FINISHED)]:
                del self._jobs[id]
        context = copy_context()  # it speaks the language of whoever started it
        threading.Thread(target=context.run, args=(self._run, job, work), name=f"job-{kind}", daemon=True).start()
        return job

    def get(self, id: str) -> Job | None:
        with self._lock:
            return self._jobs.get(id)

    def all(self) -> list[Job]:
        """Every job that is running or still stored, the newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def forget(self, job: Job) -> None:
        """Take a job that has ended off the list."""
        with self._lock:
            if job.state != "running":
                self._jobs.pop(job.id, None)

    def running(self, kind: str) -> int:
        """How many jobs of a kind are running."""
        with self._lock:
            return self._running(kind)

    def ask_to_stop(self) -> list[Job]:
        """Tell every job to stop, without waiting; those that run."""
        with self._lock:
            running = [job for job in self._jobs.values() if job.state == "running"]
        for job in running:
            job.stopping.set()
        return running

    def stop_all(self) -> None:
        """Tell every job to stop, and wait until they have, for STOPPING seconds at most."""
        running = self.ask_to_stop()
        deadline = time.monotonic() + STOPPING
        while any(job.state == "running" for job in running) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _running(self, kind: str) -> int:
        return sum(job.kind == kind and job.state == "running" for job in self._jobs.values())

    def _run(self, job: Job, work: Callable[[Job], object]) -> None:
        try:
            job.result = work(job)
            state = "done"
        except UserError as error:
            job.error, state = str(error), "failed"
        except Exception:
            log.exception("%s failed", job.kind)
            job.error, state = _("Something went wrong here; the terminal has the details."), "failed"
        job.seconds = round(time.monotonic() - job.started, 3)
        job.state = state  # last: a thread that sees it may read the rest
