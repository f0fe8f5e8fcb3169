"""Object storage that fails: S3 by moto behind a proxy that refuses, cuts off or loses one answer of so many."""

import http.client
import http.server
import os
import random
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BUCKET = "images"


@dataclass
class Store:
    """port: of moto. every: one answer of so many to methods fails, by chance. environment: of clients of the proxy."""

    port: int
    every: int
    methods: tuple[str, ...] = ("GET",)
    environment: dict[str, str] = field(default_factory=dict)
    answers: int = 0
    failed: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fails(self) -> bool:
        """Whether the next answer is to fail."""
        with self.lock:
            self.answers += 1
            failing = self.chance.random() * self.every < 1  # at fixed distances the same step might fail each time
            self.failed += failing
            return failing


def handler(store: Store) -> type[http.server.BaseHTTPRequestHandler]:
    """The proxy: failing answers are in turns 503, and half a body, or 500 to what was written after all."""

    class Proxy(http.server.BaseHTTPRequestHandler):
        def forward(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            failing = self.command in store.methods and store.fails()
            if failing and store.failed % 2:
                self.send_error(503)
                return
            connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=60)
            connection.request(self.command, self.path, sent, dict(self.headers))
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            if failing and self.command != "GET":
                self.send_error(500)
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            size = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", size or "0")
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if failing else body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward

        def log_message(self, *_: object) -> None: ...

    return Proxy


@contextmanager
def faulty_store(every: int, methods: tuple[str, ...] = ("GET",)) -> Iterator[Store]:
    """A store; this process reaches it too."""
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    store = Store(moto.get_host_and_port()[1], every, methods)
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(store))
    proxy.daemon_threads = True
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    secrets = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    store.environment = secrets | {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.server_port}",
        "AWS_ENDPOINT": f"http://127.0.0.1:{proxy.server_port}",  # LanceDB's
        "AWS_ALLOW_HTTP": "true",
    }
    before = dict(os.environ)
    os.environ.update(store.environment)
    try:
        yield store
    finally:
        os.environ.clear()
        os.environ.update(before)
        proxy.shutdown()
        proxy.server_close()
        moto.stop()


def make_bucket(store: Store) -> Any:
    """Make the bucket; the way to it past the proxy."""
    import fsspec

    straight = fsspec.filesystem("s3", endpoint_url=f"http://127.0.0.1:{store.port}", skip_instance_cache=True)
    straight.mkdir(BUCKET)
    return straight


def put_shards(store: Store, folder: Path, shards: int) -> str:
    """The images of a folder as tar shards in a new bucket, put there past the proxy; the address of all shards."""
    straight = make_bucket(store)
    files = sorted(folder.iterdir())
    for number in range(shards):
        shard = folder.with_name(f"{number:05}.tar")
        with tarfile.open(shard, "w") as tar:
            for file in files[number::shards]:
                tar.add(file, file.name)
        straight.put_file(str(shard), f"{BUCKET}/{shard.name}")
    return f"s3://{BUCKET}/{{00000..{shards - 1:05}}}.tar"
