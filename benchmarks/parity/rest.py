"""REST and gradio_client of a running server."""

from collections.abc import Callable
from typing import Any

import httpx
from gradio_client import Client

from benchmarks.parity.inputs import Inputs, Response, hits_of
from benchmarks.parity.names import FieldNames
from benchmarks.parity.requests import ClassList, Query


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
