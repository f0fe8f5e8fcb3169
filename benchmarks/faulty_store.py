"""Object storage that fails: S3 by moto behind a proxy that refuses, or cuts off, one answer of so many."""

import http.client
import http.server
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

BUCKET = "images"


@dataclass
class Store:
    """port: of moto. every: one answer of so many to a GET fails. environment: how clients reach the proxy."""

    port: int
    every: int
    environment: dict[str, str] = field(default_factory=dict)
    answers: int = 0
    failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fails(self) -> bool:
        """Whether the next answer is to fail."""
        with self.lock:
            self.answers += 1
            failing = self.answers % self.every == 0
            self.failed += failing
            return failing


def handler(store: Store) -> type[http.server.BaseHTTPRequestHandler]:
    """The proxy: failing answers are 503 and half a body in turns."""

    class Proxy(http.server.BaseHTTPRequestHandler):
        def forward(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=60)
            connection.request(self.command, self.path, self.rfile.read(length), dict(self.headers))
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            failing = self.command == "GET" and store.fails()
            if failing and store.failed % 2:
                self.send_error(503)
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
def faulty_store(every: int) -> Iterator[Store]:
    """A store with an empty bucket; this process reaches it too."""
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    store = Store(moto.get_host_and_port()[1], every)
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(store))
    proxy.daemon_threads = True
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    secrets = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    store.environment = secrets | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.server_port}"}
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


def put_shards(store: Store, folder: Path, shards: int) -> str:
    """The images of a folder as tar shards in the bucket, put there past the proxy; the address of all shards."""
    import fsspec

    straight = fsspec.filesystem("s3", endpoint_url=f"http://127.0.0.1:{store.port}", skip_instance_cache=True)
    straight.mkdir(BUCKET)
    files = sorted(folder.iterdir())
    for number in range(shards):
        shard = folder.with_name(f"{number:05}.tar")
        with tarfile.open(shard, "w") as tar:
            for file in files[number::shards]:
                tar.add(file, file.name)
        straight.put_file(str(shard), f"{BUCKET}/{shard.name}")
    return f"s3://{BUCKET}/{{00000..{shards - 1:05}}}.tar"
