"""The page of a running server, through its own server functions and events."""

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import numpy as np

from benchmarks.parity.inputs import READY, Inputs, Response, hits_of, labelled
from benchmarks.parity.names import FieldNames, lines_of
from benchmarks.parity.requests import ClassList, Example, Query
from benchmarks.parity.rest import one_by_one


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
        if unknown := given.keys() - self.ids.keys():
            raise RuntimeError(f"the page has no {', '.join(sorted(unknown))}")
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
            "captions": response.get("captions"),
            "shown": [response.get("id"), *(hashlib.sha256(url.encode()).hexdigest()[:12] for url in shown)],
            "cosines": np.ravel(response.get("cosines", response.get("scores"))).tolist(),
        }

    # ---- labels

    def form(self, request: ClassList, calibrated: bool) -> dict[str, Any]:
        own = not isinstance(request.templates, str)
        values = {
            "classes": "\n".join(lines_of(request.classes)),
            "templates": self.fields.page_own_templates if own else request.templates,
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
