"""Work that outlives the page that asked for it: indexing and labelling, each in a thread of its own."""

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from training.models.errors import UserError

log = logging.getLogger(__name__)

KEPT = 16  # finished jobs whose results can still be fetched


@dataclass
class Job:
    """One piece of work. state: running, done or failed; error is the sentence to show when it failed.

    asked: what a person asked for, to show it again beside the result. about: the collection it works on.
    note: what it is doing, or came to, in a few words.
    """

    kind: str
    asked: tuple[Any, ...] = ()
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
    stopping: threading.Event = field(default_factory=threading.Event)

    def as_dict(self) -> dict[str, Any]:
        """What the page needs to draw a bar."""
        fields = ("id", "kind", "about", "note", "state", "done", "total", "failed", "rate", "left", "error", "seconds")
        facts = {name: getattr(self, name) for name in fields}
        return facts | {"stopping": self.stopping.is_set() and self.state == "running"}


class Jobs:
    """Every job of this server. A reload of the page finds them again by id."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, kind: str, work: Callable[[Job], Any], asked: tuple[Any, ...] = (), about: str = "") -> Job:
        """Run work(job) in a thread; what it returns becomes job.result."""
        job = Job(kind, asked, about)
        with self._lock:
            self._jobs[job.id] = job
            finished = [old.id for old in self._jobs.values() if old.state != "running"]
            for id in finished[: max(0, len(finished) - KEPT)]:
                del self._jobs[id]
        threading.Thread(target=self._run, args=(job, work), name=f"job-{kind}", daemon=True).start()
        return job

    def get(self, id: str) -> Job | None:
        with self._lock:
            return self._jobs.get(id)

    def all(self) -> list[Job]:
        """Every job that is under way or still known, the newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def running(self, kind: str) -> int:
        """How many jobs of a kind are under way."""
        with self._lock:
            return sum(job.kind == kind and job.state == "running" for job in self._jobs.values())

    def stop_all(self, patience: float = 5.0) -> None:
        """Ask every job to end, and wait until they have, for patience seconds at most."""
        with self._lock:
            running = [job for job in self._jobs.values() if job.state == "running"]
        for job in running:
            job.stopping.set()
        until = time.monotonic() + patience
        while any(job.state == "running" for job in running) and time.monotonic() < until:
            time.sleep(0.02)

    def _run(self, job: Job, work: Callable[[Job], Any]) -> None:
        try:
            job.result = work(job)
            state = "done"
        except UserError as error:
            job.error, state = str(error), "failed"
        except Exception:
            log.exception("%s failed", job.kind)
            job.error, state = "Something went wrong here; the terminal has the details.", "failed"
        job.seconds = round(time.monotonic() - job.started, 3)
        job.state = state  # last: whoever sees it may read the rest
