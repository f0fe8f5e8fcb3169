"""The reading and embedding of a build on Ray: many machines work, one process writes.

A task is a batch of images: it reads and embeds them and gives back what `read_and_embed` gives. Tasks
keep nothing, so one that dies with its machine is done again elsewhere, and doing one twice is harmless.
The build takes their answers in order and publishes segments as it always does: the collection itself is
the ledger of what is done, whatever did it, and a build begun on one engine may be finished by another.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from index.ingest.reading import Seen, embed_loaded, load
from training.data.source import Item
from training.models.encoder import Encoder
from training.models.errors import UserError

RETRIES = 20  # times that a batch is begun again after its process or machine died
WAITING = 4  # batches a core that are asked for ahead of those that are published
ROOT = Path(__file__).parent.parent.parent

Make = Callable[[], Encoder]


class RayEngine:
    """Stands in the place of `read_and_embed`. make: loads the encoder in the process of a worker, once.

    Joins the cluster that RAY_ADDRESS or `ray start` names, else starts one on this machine. The project and
    the images must be at the same paths on every machine. UserError if Ray is not installed or not there.
    """

    def __init__(self, make: Make):
        try:
            import ray
        except ImportError as error:
            raise UserError(
                "Ray is not installed: pip install -r requirements-cluster.txt, or use --engine local."
            ) from error
        self.ray, self.make = ray, make
        if not ray.is_initialized():
            try:
                settings = {"env_vars": {"PYTHONPATH": str(ROOT)}}
                ray.init(runtime_env=settings, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise UserError(f"Ray cannot be reached: {str(error).splitlines()[0]}") from error

    def __call__(
        self,
        todo: Iterable[tuple[str, Item]],
        encoder: Encoder,
        known: Any,
        stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[list[Seen]]:
        """Every image of todo in its order, a batch at a time."""
        ray = self.ray
        work = ray.remote(max_retries=RETRIES, num_cpus=1)(_work)
        shared = ray.put(frozenset(known))
        coming, asked = iter(todo), deque[tuple[list[tuple[str, Item]], Any]]()
        ahead = WAITING * max(1, int(ray.cluster_resources().get("CPU", 1)))
        while True:
            while len(asked) < ahead and not stop() and (batch := list(islice(coming, encoder.batching.batch_size))):
                asked.append((batch, work.remote(self.make, [item for _, item in batch], shared)))
            if not asked:
                return
            batch, answer = asked.popleft()
            try:
                done = ray.get(answer)
            except ray.exceptions.RayError as error:
                why = str(error).strip().splitlines()[-1][:300]
                raise UserError(f"A batch could not be embedded on Ray: {why}") from error
            yield [
                Seen(source, item, loaded, vector) for (source, item), (loaded, vector) in zip(batch, done, strict=True)
            ]
            if stop():
                for _, answer in asked:
                    ray.cancel(answer)
                return


_made: dict[bytes, Encoder] = {}  # the encoder of this process: loading takes seconds, a batch less


def _encoder(make: Make) -> Encoder:
    from ray import cloudpickle

    key = cloudpickle.dumps(make)
    if key not in _made:
        _made[key] = make()
        if _made[key].runtime == "torch":
            from torch import set_num_threads

            set_num_threads(1)  # a task has one core
    return _made[key]


def _work(make: Make, items: list[Item], known: frozenset[str]) -> list[tuple[Any, Any]]:
    """A batch on a worker. Pixels stay there; only previews and vectors travel."""
    encoder = _encoder(make)
    loaded = [("", item, load(item, encoder, known)) for item in items]
    return [(replace(seen.loaded, pixels=None), seen.vector) for seen in embed_loaded(loaded, encoder)]
