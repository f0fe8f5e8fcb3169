"""The engine of many machines: Ray runs the stages of training.data.pipeline, one process writes.

A task is a batch of images: it loads and embeds them, and returns what the local engine would give. Tasks
keep nothing, so one whose machine dies, or cannot do it, is done again elsewhere, and doing one twice is harmless.
The build takes their results in order and publishes segments as it always does: the collection itself is
the ledger of what is done, whatever did it, and a build begun on one engine may be finished by another.
"""

import time
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.ingest.engine import Embedded, LoadedImage, PlannedImage, load_planned
from training.data.pipeline import EmbeddedImage, embed_batch, load_one
from training.models.decoding import MOST_MEGAPIXELS
from training.models.encoder import Encoder
from training.models.errors import UserError

RETRIES = 20  # times that a batch is begun again after its process or machine died or could not do it
PAUSE = 5.0  # seconds before a machine that cannot load the encoder gives a batch back
BATCHES_PER_CORE = 4  # batches a core that are submitted ahead of those that are published
ROOT = Path(__file__).parent.parent.parent

LoadEncoder = Callable[[], Encoder]


class RayEngine:
    """An engine over a Ray cluster. load_encoder: loads the encoder in the process of a worker, once.

    Joins the cluster that RAY_ADDRESS or `ray start` names, else starts one on this machine. The project and
    the images must be at the same paths on every machine. UserError if Ray is not installed or not there.
    """

    def __init__(self, load_encoder: LoadEncoder):
        try:
            import ray
        except ImportError as error:
            raise UserError(
                "Ray is not installed: pip install -r requirements-cluster.txt, or use --engine local."
            ) from error
        self.ray, self.load_encoder = ray, load_encoder
        if not ray.is_initialized():
            try:
                settings = {"env_vars": {"PYTHONPATH": str(ROOT)}}
                ray.init(runtime_env=settings, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise UserError(f"Ray cannot be reached: {str(error).splitlines()[0]}") from error

    def __call__(
        self,
        images: Iterable[PlannedImage],
        encoder: Encoder,
        stored: Container[str],
        stop: Callable[[], bool] = lambda: False,
        most_megapixels: float = MOST_MEGAPIXELS,
    ) -> Iterator[list[Embedded]]:
        """Every image in order, a batch at a time."""
        ray = self.ray
        # What an image causes is a failure of that image: an OSError of a task is of its machine, such as a full disk.
        again = {"max_retries": RETRIES, "retry_exceptions": [OSError], "scheduling_strategy": "SPREAD"}
        task = ray.remote(num_cpus=1, **again)(_embed)
        hashes = ray.put(frozenset(stored))  # type: ignore[call-overload]  # a build's are a dict
        coming, pending = iter(images), deque[tuple[list[PlannedImage], Any]]()
        ahead = BATCHES_PER_CORE * max(1, int(ray.cluster_resources().get("CPU", 1)))
        while True:
            while len(pending) < ahead and not stop() and (batch := list(islice(coming, encoder.batching.batch_size))):
                pending.append((batch, self._submit(task, batch, hashes, most_megapixels)))
            if not pending:
                return
            batch, result = pending.popleft()
            try:
                done: list[TaskResult] = ray.get(result)
            except ray.exceptions.RayError as error:
                why = str(error).strip().splitlines()[-1][:300]
                raise UserError(f"A batch could not be embedded on Ray: {why}") from error
            yield [
                EmbeddedImage(planned, one.image, one.error, one.vector, one.unsupported)
                for planned, one in zip(batch, done, strict=True)
            ]
            if stop():
                for _, result in pending:
                    ray.cancel(result)
                return

    def _submit(self, task: Any, batch: list[PlannedImage], hashes: Any, most_megapixels: float) -> Any:
        return task.remote(self.load_encoder, batch, hashes, most_megapixels)


@dataclass(frozen=True)
class TaskResult:
    """What travels back of an image: neither its pixels nor the item that reads it."""

    image: LoadedImage | None
    error: str
    vector: NDArray[np.float32] | None
    unsupported: bool


_encoders: dict[bytes, Encoder] = {}  # the encoder of this process: loading takes seconds, a batch less


def _encoder(load_encoder: LoadEncoder) -> Encoder:
    from ray import cloudpickle

    key = cloudpickle.dumps(load_encoder)
    if key not in _encoders:
        _encoders[key] = load_encoder()
        if _encoders[key].runtime == "torch":
            from torch import set_num_threads

            set_num_threads(1)  # a task has one core
    return _encoders[key]


def _embed(
    load_encoder: LoadEncoder, batch: list[PlannedImage], stored: frozenset[str], most_megapixels: float
) -> list[TaskResult]:
    """A batch on a worker."""
    try:
        encoder = _encoder(load_encoder)
    except OSError:
        time.sleep(PAUSE)  # a machine that fails at once would take every batch before the others have begun
        raise
    loaded = [load_one(image, lambda image: load_planned(image, encoder, stored, most_megapixels)) for image in batch]
    return [
        TaskResult(
            None if one.image is None else replace(one.image, pixels=None), one.error, one.vector, one.unsupported
        )
        for one in embed_batch(loaded, encoder)
    ]
