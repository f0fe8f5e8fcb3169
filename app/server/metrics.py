"""What Prometheus reads at /metrics: requests, latencies, queues, jobs, collections, encoders, caches, memory."""

from collections import Counter as Counts
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from app.state.library import Library
from training.models.errors import UserError

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")


class Metrics:
    """The counters of one server. waiting: how many calls wait in Gradio's queue."""

    def __init__(self, library: Library):
        self.waiting: Callable[[], int] = lambda: 0
        self._registry = registry = CollectorRegistry(auto_describe=True)
        names = ("method", "route", "status")
        self._requests = Counter("gelato_requests", "Requests that were answered.", names, registry=registry)
        self._seconds = Histogram(
            "gelato_request_seconds",
            "Seconds until the last byte of an answer; the page's streams of events last as long as it is open.",
            ("route",),
            buckets=BUCKETS,
            registry=registry,
        )
        self.running = Gauge("gelato_requests_running", "Requests that are being answered.", registry=registry)
        self.failed_logins = Counter("gelato_failed_logins", "Logins with a wrong name or password.", registry=registry)
        self.limited_logins = Counter(
            "gelato_limited_logins", "Logins that were not looked at, after too many failed.", registry=registry
        )
        registry.register(_OfLibrary(library, self))
        ProcessCollector(registry=registry)  # memory, CPU time and open files, on Linux
        PlatformCollector(registry=registry)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; route: the pattern of its address."""
        self._requests.labels(method if method in METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Everything as Prometheus reads it, in its text format 0.0.4."""
        return generate_latest(self._registry)


class _OfLibrary(Collector):
    """What is open now, read when it is asked for."""

    def __init__(self, library: Library, metrics: Metrics):
        self.library, self.metrics = library, metrics

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("gelato_queue_waiting", "Calls that wait in the page's queue.", self.metrics.waiting())
        jobs = GaugeMetricFamily("gelato_jobs", "Jobs that run or lately ran.", labels=("kind", "state"))
        for (kind, state), count in sorted(Counts((job.kind, job.state) for job in self.library.jobs.all()).items()):
            jobs.add_metric((kind, state), count)
        yield jobs
        yield from self._collections()
        yield from self._encoders()
        uploads = self.library.uploads
        yield GaugeMetricFamily("gelato_uploads", "Uploaded images in memory.", len(uploads))
        yield GaugeMetricFamily("gelato_uploads_bytes", "Memory of uploaded images.", uploads.memory)

    def _collections(self) -> Iterator[Metric]:
        images = GaugeMetricFamily("gelato_collection_images", "Images of a collection.", labels=("collection",))
        vectors = GaugeMetricFamily(
            "gelato_collection_vectors_bytes", "Embeddings of a collection on disk.", labels=("collection",)
        )
        for opened in self.library.collections():
            try:
                collection = opened.collection
            except UserError:  # damaged; its build or the page says so
                continue
            count = len(collection) if collection is not None else 0
            images.add_metric((opened.key,), count)
            vectors.add_metric((opened.key,), 2 * count * (collection.dim if collection is not None else 0))
        yield images
        yield vectors

    def _encoders(self) -> Iterator[Metric]:
        texts = GaugeMetricFamily("gelato_text_cache", "Embeddings of texts in memory.", labels=("encoder",))
        waiting = GaugeMetricFamily("gelato_texts_waiting", "Requests whose texts wait.", labels=("encoder",))
        for name, encoder in self.library.encoders.ready().items():
            texts.add_metric((name,), encoder.texts.cached)
            waiting.add_metric((name,), encoder.texts.waiting)
        yield texts
        yield waiting
