"""The four doors of one checkout: command line, REST, gradio_client and the page. Used by benchmarks/parity.

Each door sends a `Query` or a `ClassList` under the names of its revision (`FieldNames`) and returns a `Response` of
one form, or None for what this door cannot express. One server and one command line process serve every request.
The page is called through its own server functions and events, as its script calls them.
"""

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import numpy as np
import pandas as pd
from gradio_client import Client

from benchmarks.parity.names import FieldNames, field_names_of, lines_of
from benchmarks.parity.requests import ClassList, Example, Query, drawn

Response = dict[str, Any]  # JSON; only "error" where the door refused
READY = 240.0  # seconds that a server, its encoder and its null distributions may take
CSV_COLUMNS = ("label", "probability", "runner_up", "margin")


# ---- collections and files


@dataclass
class Inputs:
    """Collections by name, ids and paths of their images sorted by path, and the files and bytes of uploads."""

    collections: Mapping[str, Path]
    work: Path
    ids: dict[str, list[str]] = field(default_factory=dict)
    paths: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, path in self.collections.items():
            parts = sorted(path.glob("segments/*/items.parquet"))
            items = pd.concat([pd.read_parquet(part, columns=["id", "path"]) for part in parts]).sort_values("path")
            self.ids[name], self.paths[name] = items["id"].tolist(), items["path"].tolist()

    def likes(self, query: Query) -> list[str]:
        """Ids, unwanted ones with a minus before them."""
        ids = self.ids[query.collection]
        return [ids[row] for row in query.like] + [f"-{ids[row]}" for row in query.unlike]

    def upload(self, collection: str, name: str) -> Path:
        """A file with what is uploaded: something drawn, or the preview of an image of the collection."""
        if name.startswith("preview:"):
            id = self.ids[collection][int(name.partition(":")[2])]
            return next(self.collections[collection].glob(f"thumbnails/**/{id}.webp"))
        path = self.work / f"{name}.png"
        if not path.exists():
            path.write_bytes(drawn(name))
        return path

    def class_file(self, request: ClassList) -> Path:
        path = self.work / f"{request.name}.txt"
        path.write_text("\n".join(lines_of(request.classes)) + "\n", encoding="utf-8")
        return path


def hits_of(found: list[dict[str, Any]], fields: FieldNames) -> list[list[Any]]:
    """id, score, normalised score and likely of each hit; None for what is missing."""
    return [[hit["id"], hit.get("score"), hit.get(fields.normalised), hit.get("likely")] for hit in found]


# ---- command line


WORKER = """
import io, json, sys, traceback
from contextlib import redirect_stderr, redirect_stdout
from index.__main__ import cli
responses = sys.stdout
for line in sys.stdin:
    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main(json.loads(line), prog_name="python -m index")
        except SystemExit as ended:
            code = ended.code or 0
        except BaseException:
            code = 70
            traceback.print_exc()
    responses.write(json.dumps([code, out.getvalue(), err.getvalue()]) + "\\n")
    responses.flush()
"""


class CommandLine:
    """`python -m index` of a checkout, in one process: each request is a call of the same entry point."""

    def __init__(self, checkout: Path, fields: FieldNames, inputs: Inputs, environment: dict[str, str]):
        self.fields, self.inputs = fields, inputs
        self.process = subprocess.Popen(
            [python_of(checkout), "-c", WORKER],
            cwd=checkout,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)

    def call(self, *arguments: str) -> Any:
        """The JSON document that a command prints, or {"error": its last line}."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(a) for a in arguments]) + "\n")
        self.process.stdin.flush()
        code, out, err = json.loads(self.process.stdout.readline())
        if code == 0:
            return json.loads(out)
        lines = err.strip().splitlines() or [f"exit code {code}"]
        return {"error": lines[-1].removeprefix("Error: ")}

    def search(self, query: Query) -> Response | None:
        options = self.options(query)
        if options is None:
            return None
        folder, count = self.inputs.collections[query.collection], query.k + query.offset
        text = ["--", query.text] if query.text else []
        found = self.call("search", str(folder), *options, "-k", str(count), "--json", *text)
        if "error" in found:
            return found
        hits = hits_of(found, self.fields)[query.offset :]
        return {"hits": hits, "matching": found[0].get("matching") if found else None}

    def options(self, query: Query) -> list[str] | None:
        """A query as options; None if there are none for it."""
        fields, likes = self.fields, self.inputs.likes(query)
        if not query.has_terms and not fields.cli_without_text:
            return None
        if (len(likes) > 1 or query.unlike) and not fields.cli_many_images:
            return None
        options = [f"--like={id}" for id in likes]
        options += [word for text in query.without for word in ("--without", text)]
        options += [f"--image={self.inputs.upload(query.collection, name)}" for name in query.uploads]
        options += ["--where", query.where] if query.where else []
        order = None if query.order == "best" else query.order
        for option, value in ((fields.cli_order, order), (fields.cli_threshold, query.threshold)):
            if value is not None and option is None:
                return None
            options += [option, str(value)] if option is not None and value is not None else []
        if query.likely:
            if fields.cli_likely is None:
                return None
            options.append(fields.cli_likely)
        for one in query.filters:
            filtered = fields.cli_filter(one) if fields.cli_filter is not None else None
            if filtered is None:
                return None
            options += filtered
        return options

    def label(self, request: ClassList) -> Response | None:
        if request.literal or (request.any and self.fields.cli_any is None):
            return None
        templates, out = request.templates, self.inputs.work / "labels.csv"
        if not isinstance(templates, str):
            file = self.inputs.work / "templates.txt"
            file.write_text("\n".join(templates) + "\n", encoding="utf-8")
            templates = str(file)
        options = ["--classes", str(self.inputs.class_file(request)), "--templates", templates, "--out", str(out)]
        options += ["--none"] if request.none else []
        options += (self.fields.cli_any or []) if request.any else []
        summary = self.call("label", str(self.inputs.collections[request.collection]), *options, "--json")
        if "error" in summary:
            return summary
        with out.open(encoding="utf-8", newline="") as table:
            rows = list(csv.DictReader(table))
        return {"images": {row["path"]: labelled(row) for row in rows}, "counts": summary["classes"]}


def labelled(row: Mapping[str, Any]) -> list[Any]:
    """label, probability, runner-up and margin; numbers as numbers, and None where there is none."""
    label, probability, runner_up, margin = (row[name] for name in CSV_COLUMNS)
    number = [None if value in ("", None) else float(value) for value in (probability, margin)]
    return [label, number[0], runner_up or "", number[1]]


# ---- the server and its three doors


@contextmanager
def serving(checkout: Path, collections: Mapping[str, Path], environment: dict[str, str], log: Path) -> Iterator[str]:
    """`python app.py` of a checkout on the collections, until the block ends; yields its address."""
    options = [word for path in collections.values() for word in ("--collection", str(path))]
    command = [python_of(checkout), "-u", "app.py", *options, "--no-browser", "--port", "0"]
    with log.open("w") as errors:
        server = subprocess.Popen(
            command, cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            assert server.stdout is not None
            address = next((m[0] for line in server.stdout if (m := re.search(r"http://[\d.:]+/", line))), None)
            if address is None:
                raise RuntimeError(f"the server of {checkout.name} did not start:\n{log.read_text()[-2000:]}")
            until_it_listens(address)
            yield address
        finally:
            server.terminate()
            server.wait(30)


def until_it_listens(address: str) -> None:
    """Return once the server takes connections, which it does a little after it printed its address."""
    until = time.monotonic() + READY
    while True:
        try:
            httpx.get(f"{address}healthz", trust_env=False)
            return
        except httpx.ConnectError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


class Rest:
    """/api/v1 over HTTP."""

    def __init__(self, address: str, fields: FieldNames, inputs: Inputs):
        self.fields, self.inputs = fields, inputs
        self.http = httpx.Client(base_url=f"{address}api/v1", timeout=120, trust_env=False)
        self.tokens: dict[tuple[str, str], str] = {}

    def token(self, collection: str, name: str) -> str:
        """The token of an uploaded image."""
        key = (collection, name)
        if key not in self.tokens:
            data = self.inputs.upload(collection, name).read_bytes()
            response = self.http.post(f"/{self.fields.images_path}", content=data)
            response.raise_for_status()
            self.tokens[key] = response.json()[self.fields.image]
        return self.tokens[key]

    def parameters(self, query: Query) -> dict[str, Any] | None:
        """A query as the API takes it, without empty fields; None if the API cannot express it."""
        fields = self.fields
        filters = fields.filters(query.filters) if fields.filters is not None and query.filters else None
        asked = (
            (query.filters, filters),
            (query.threshold is not None, fields.threshold),
            (query.likely, fields.likely),
        )
        if any(wanted and name is None for wanted, name in asked):
            return None
        given = {
            "collection": query.collection,
            "q": query.text,
            "like": self.inputs.likes(query),
            fields.image: [self.token(query.collection, name) for name in query.uploads],
            "without": list(query.without),
            fields.where: query.where,
            fields.order: query.order,
            "k": query.k,
            "offset": query.offset,
        }
        given |= filters or {}
        if fields.threshold and query.threshold is not None:
            given[fields.threshold] = str(query.threshold)
        if fields.likely and query.likely:
            given[fields.likely] = True
        return {name: value for name, value in given.items() if value not in ("", [])}

    def search(self, query: Query) -> Response | None:
        given = self.parameters(query)
        return None if given is None else self.found(self.document(self.http.get("/search", params=given)))

    def found(self, response: dict[str, Any]) -> Response:
        if "error" in response:
            return response
        facts = {name: response.get(name) for name in ("matching", "likely")}
        if not isinstance(response.get("threshold"), dict):
            facts["threshold"] = response.get("threshold")
        return {"hits": hits_of(response["results"], self.fields), **facts}

    def body(self, request: ClassList, **image: str) -> dict[str, Any] | None:
        """A labelling of one image as the API takes it."""
        fields = self.fields
        if request.any and fields.any_of is None:
            return None
        templates: Any = request.templates
        if not isinstance(templates, str):
            if fields.own_templates is None:
                return None
            templates = fields.own_templates(templates)
        given = {"classes": fields.class_list(request.classes), "templates": templates, "none": request.none}
        return {**given, "collection": request.collection, **image, **((fields.any_of or {}) if request.any else {})}

    def label(self, request: ClassList) -> Response | None:
        return one_by_one(request, self.inputs, self.token, self.fields, self.body, self.classify)

    def classify(self, body: dict[str, Any]) -> dict[str, Any]:
        return self.document(self.http.post("/classify", json=body))

    def document(self, response: httpx.Response) -> dict[str, Any]:
        """What the API returned; of a refusal {"error": sentence}, an unknown field included."""
        if response.status_code >= 500:
            raise RuntimeError(f"{response.request.url} returned {response.status_code}: {response.text[:500]}")
        return response.json()


def one_by_one(
    request: ClassList,
    inputs: Inputs,
    token: Callable[[str, str], str],
    fields: FieldNames,
    body: Callable[..., dict[str, Any] | None],
    classify: Callable[[dict[str, Any]], dict[str, Any]],
) -> Response | None:
    """Every image of request.images, and the upload, among the classes: name and probability, likeliest first."""
    images = {
        inputs.paths[request.collection][row]: {"id": inputs.ids[request.collection][row]} for row in request.images
    }
    images["upload"] = {fields.image: token(request.collection, request.upload)}
    found = {}
    for path, image in images.items():
        given = body(request, **image)
        if given is None:
            return None
        response = classify(given)
        if "error" in response:
            return {"error": response["error"]}
        found[path] = [[one["name"], one["probability"]] for one in response["classes"]]
    return {"probabilities": found}


class ByName(Rest):
    """gradio_client, which shares nothing with REST but the form of its responses."""

    def __init__(self, address: str, fields: FieldNames, inputs: Inputs):
        super().__init__(address, fields, inputs)
        self.client = Client(address, verbose=False, analytics_enabled=False)

    def search(self, query: Query) -> Response | None:
        given = self.parameters(query)
        return None if given is None else self.found(self.call("/search", given))

    def classify(self, body: dict[str, Any]) -> dict[str, Any]:
        return self.call("/classify", body)

    def call(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.client.predict(**given, api_name=name)
        except Exception as error:  # gradio_client has no narrower kind for gr.Error
            if type(error).__name__ != "AppError":
                raise
            return {"error": str(error)}


class PageDoor:
    """The page over HTTP: server functions of its components, and events of its buttons, as its script calls them."""

    def __init__(self, address: str, fields: FieldNames, inputs: Inputs, token: Callable[[str, str], str]):
        self.fields, self.inputs, self.token = fields, inputs, token
        self.http = httpx.Client(base_url=address, timeout=120, trust_env=False)
        self.session = uuid.uuid4().hex[:11]
        self.config = self.http.get("config").json()
        props = {one["id"]: one.get("props", {}) for one in self.config["components"]}
        self.ids = {of["elem_id"]: id for id, of in props.items() if of.get("elem_id")}
        self.names = {id: name for name, id in self.ids.items()}
        self.values = {id: of.get("value") for id, of in props.items()}

    def ask(self, component: str, function: str, request: dict[str, Any]) -> dict[str, Any]:
        """A server function of a component."""
        body = {
            "data": request,
            "fn_name": function,
            "component_id": self.ids[component],
            "session_hash": self.session,
        }
        response = self.http.post("gradio_api/component_server/", json=body)
        response.raise_for_status()
        return response.json()

    def event(self, name: str, kind: str, given: Mapping[str, Any], result: str) -> dict[str, Any]:
        """What an event of a component gives to the component called result; given holds inputs by their elem_id."""
        target = [self.ids[name], kind]
        event = next(one for one in self.config["dependencies"] if target in [list(t) for t in one["targets"]])
        inputs = [given.get(self.names.get(id, ""), self.values[id]) for id in event["inputs"]]
        data = self.run(event["id"], target[0], inputs)
        return data[event["outputs"].index(self.ids[result])]

    def run(self, event: int, trigger: int | None, inputs: list[Any]) -> list[Any]:
        body = {"data": inputs, "fn_index": event, "session_hash": self.session, "trigger_id": trigger}
        joined = self.http.post("gradio_api/queue/join", json=body)
        joined.raise_for_status()
        with self.http.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as lines:
            for line in lines.iter_lines():
                message = json.loads(line[6:]) if line.startswith("data: ") else {}
                if message.get("msg") == "process_completed":
                    if not message["success"]:
                        raise RuntimeError(f"event {event} failed: {message['output']}")
                    return message["output"]["data"]
        raise RuntimeError(f"event {event} gave no response")

    # ---- search

    def search(self, query: Query) -> Response | None:
        fields = self.fields
        request = {
            "collection": query.collection,
            "q": query.text,
            "without": list(query.without),
            "like": self.inputs.likes(query),
            fields.page_images: [self.token(query.collection, name) for name in query.uploads],
            fields.page_filters: [dict(one) for one in query.filters],
            fields.page_where: query.where,
            fields.page_order: query.order,
            "k": query.k,
            "offset": query.offset,
        }
        if query.threshold is not None:
            request[fields.page_threshold] = query.threshold
        if query.likely:
            if fields.page_likely is None:
                return None
            request[fields.page_likely] = True
        response = self.ask(*fields.page_search, request)
        if "error" in response:
            return {"error": response["error"]}
        line = response.get(fields.threshold_answer) or {}
        return {
            "hits": hits_of(response["hits"], fields),
            "matching": response.get("matching"),
            "likely": response.get("likely"),
            "threshold": line.get(fields.threshold_value) if line.get("shown") else None,
            "histogram": line.get("histogram"),
        }

    # ---- examples

    def example(self, request: Example) -> Response:
        """Captions, images (their hashes) and numbers of an example."""
        component, function, number = self.fields.page_examples[request.what]
        fields = {"collection": request.collection, number: request.number, "kind": request.kind}
        response = self.ask(component, function, fields)
        if "error" in response:
            return {"error": response["error"]}
        shown = response.get("images", response.get("pictures", []))
        return {
            "captions": response.get("captions", response.get("prompts")),
            "shown": [response.get("id"), *(hashlib.sha256(url.encode()).hexdigest()[:12] for url in shown)],
            "cosines": np.ravel(response.get("cosines", response.get("scores"))).tolist(),
            "loss": response.get("value"),
        }

    # ---- labels

    def form(self, request: ClassList, calibrated: bool) -> dict[str, Any]:
        own = not isinstance(request.templates, str)
        values = {
            "classes": "\n".join(lines_of(request.classes)),
            "templates": "own" if own else request.templates,
            "own": "\n".join(request.templates) if own else "",
            "mode": "any" if request.any else "one",
            "none": request.none,
            "probabilities": self.fields.page_calibrated[0 if calibrated else 1],
        }
        return {self.fields.page_form[name]: value for name, value in values.items()}

    def label(self, request: ClassList, calibrated: bool = True) -> Response | None:
        """The whole collection, as its exported labels, and some images one at a time."""
        fields = self.fields
        if request.literal:
            return None
        form = {"header": {"collection": request.collection}, **self.form(request, calibrated)}
        state = self.event("classify-all", "click", form, "labels")
        until = time.monotonic() + READY
        while state.get("state") == "running" and time.monotonic() < until:
            time.sleep(0.2)
            state = self.look(state)
        if "error" in state:
            return {"error": state["error"]}
        exported = self.http.get(f"labels/{state['job']}.json").json()["labels"]

        def body(_: ClassList, **image: str) -> dict[str, Any]:
            return {**form, fields.page_image: {**image, "collection": request.collection, "name": "an image"}}

        def classify(given: dict[str, Any]) -> dict[str, Any]:
            response = self.event("classify-one", "click", given, "bars")
            return response if "error" in response else {"classes": response["bars"]}

        single = one_by_one(request, self.inputs, self.token, fields, body, classify)
        counts = {one["name"]: one.get("images", one.get("pictures")) for one in state["classes"]}
        return {"images": {row["path"]: labelled(row) for row in exported}, "counts": counts, **(single or {})}

    def look(self, state: dict[str, Any]) -> dict[str, Any]:
        """The state of a labelling that is still running: the event of the page's timer."""
        labels = self.ids["labels"]
        for event in self.config["dependencies"]:
            if labels in event["outputs"] and any(kind == "tick" for _, kind in event["targets"]):
                data = self.run(event["id"], event["targets"][0][0], [state])
                return data[event["outputs"].index(labels)]
        raise RuntimeError("the page has no timer that looks after a labelling")


# ---- all of them


@dataclass
class Doors:
    """Every door of a checkout by its name."""

    cli: CommandLine
    rest: Rest
    client: ByName
    page: PageDoor

    @classmethod
    @contextmanager
    def opened(cls, checkout: Path, collections: Mapping[str, Path], work: Path) -> Iterator[Self]:
        """Start server and command line, with a cache of their own, so that no revision reads what another cached."""
        fields, inputs = field_names_of(checkout), Inputs(collections, work)
        cache = work / "cache"
        cache.mkdir(exist_ok=True)
        environment = {**os.environ, "GELATO_CACHE": str(cache), "PYTHONWARNINGS": "ignore"}
        with serving(checkout, collections, environment, work / "server.log") as address:
            rest = Rest(address, fields, inputs)
            page = PageDoor(address, fields, inputs, rest.token)
            wait_until_ready(page, list(collections))
            cli = CommandLine(checkout, fields, inputs, environment)
            try:
                yield cls(cli, rest, ByName(address, fields, inputs), page)
            finally:
                cli.close()

    def send(self, request: Query | ClassList | Example) -> dict[str, Response | None]:
        """The responses of every door to one request."""
        if isinstance(request, Query):
            return self.search(request)
        return self.label(request) if isinstance(request, ClassList) else self.example(request)

    def search(self, query: Query) -> dict[str, Response | None]:
        doors: dict[str, Any] = {"cli": self.cli, "rest": self.rest, "client": self.client, "page": self.page}
        return {name: door.search(query) for name, door in doors.items()}

    def label(self, request: ClassList) -> dict[str, Response | None]:
        doors: dict[str, Any] = {"cli": self.cli, "rest": self.rest, "client": self.client, "page": self.page}
        responses = {name: door.label(request) for name, door in doors.items()}
        return {**responses, "page uncalibrated": self.page.label(request, calibrated=False)}

    def example(self, request: Example) -> dict[str, Response | None]:
        return {"page": self.page.example(request)}


def wait_until_ready(page: PageDoor, collections: list[str]) -> None:
    """Return once the encoder is loaded and the null distribution of each collection is measured."""
    for name in collections:
        until = time.monotonic() + READY
        while True:
            response = page.search(Query(collection=name, text="a photo", k=1))
            if response is not None and response.get("likely") is not None:
                break
            if time.monotonic() > until:
                raise RuntimeError(f"{name} gets no relevance threshold: {response}")
            time.sleep(0.5)


def python_of(checkout: Path) -> str:
    """The checkout's own interpreter, or this one."""
    own = checkout / ".venv/bin/python"
    return str(own) if own.exists() else sys.executable


def without_paths(response: Any, paths: list[str]) -> Any:
    """A response whose sentences name no folder of this machine."""
    text = json.dumps(response)
    for path in paths:
        text = text.replace(path, "…")
    return json.loads(text)
