"""What happens on events of Classify: a class is changed, a button pressed, the page loaded again."""

from itertools import count
from typing import Any

import gradio as gr

from app.language.current import speaking
from app.language.preference import preferred
from app.state.library import Library
from app.tabs.classify.collection import labelling_state, start_labelling
from app.tabs.classify.form import CUSTOM, FIELDS
from app.tabs.classify.image import classify_image
from app.ui.server_functions import error_as_response
from training.models.errors import UserError
from training.models.prompts import template_set

POLL = 0.5  # seconds between looks at a running job

Response = dict[str, Any]


class Handlers:
    """The functions that Gradio calls. where is the header's value, which names the collection."""

    def __init__(self, library: Library):
        self.library = library
        self._turns = count()  # a response that equals the last one is no change to Gradio; the page would wait for it

    def classify(self, where: dict[str, Any], image: dict[str, Any] | None, *fields: object) -> Response:
        with speaking(where.get("language")):
            response = error_as_response(classify_image)(self.library, where, image or {}, _form(fields))
        return response | {"turn": next(self._turns)}

    def start(self, where: dict[str, Any], labels: Response | None, *fields: object) -> tuple[Response, gr.Timer]:
        """Label the collection; what was learned from corrections is learned again."""
        learned = (labels or {}).get("learned") is not None
        with speaking(where.get("language")):
            response = error_as_response(start_labelling)(self.library, where, _form(fields), learned)
        return response | {"turn": next(self._turns)}, poll(response)

    def follow(self, where: dict[str, Any], labels: Response | None, *fields: object) -> tuple[Any, Any]:
        """Labels that are shown follow changes of the form."""
        job = self.library.jobs.get((labels or {}).get("job") or "")
        opened = self.library.collection(where.get("collection"))
        if job is None or job.about != opened.key or job.fields == fields:
            return gr.skip(), gr.skip()
        return self.start(where, labels, *fields)

    def look(self, where: dict[str, Any], labels: Response | None) -> tuple[Response, gr.Timer]:
        """How far the labels are."""
        with speaking(where.get("language")):
            response = error_as_response(labelling_state)(self.library, (labels or {}).get("job"))
        return response, poll(response)

    def restore(self, request: gr.Request) -> tuple[Any, ...]:
        """A reload finds the job that its address names, and the form that it was started with."""
        job = self.library.jobs.get(request.query_params.get("job") or "")
        if job is None or job.kind != "label":
            return gr.skip(), gr.Timer(POLL, active=False), *[gr.skip()] * len(FIELDS)
        language = preferred(request.headers.get("cookie", ""), request.headers.get("accept-language", ""))
        return *self.look({"language": language}, {"job": job.id}), *job.fields


def edit_templates(name: str, custom: str) -> tuple[str, str]:
    """The chosen templates as text to be changed."""
    try:
        return CUSTOM, custom if name == CUSTOM else "\n".join(template_set(name))
    except UserError:  # no such set, or open_clip is not there
        return CUSTOM, custom


def poll(response: Response) -> gr.Timer:
    """The timer, which runs while a job does."""
    return gr.Timer(POLL, active=response.get("state") == "running")


def _form(fields: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(FIELDS, fields, strict=True))
