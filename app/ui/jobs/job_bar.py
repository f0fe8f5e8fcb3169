"""The bar of jobs below the header, on every tab; the header's state has the jobs."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from app.language.current import _
from app.state.job_control import confirm_job, resume_job, stop_job
from app.state.library import Library
from app.ui.assets import load_module
from app.ui.server_functions import server_functions
from training.models.errors import UserError

ACTIONS = {"stop": stop_job, "resume": resume_job, "confirm": confirm_job}


def job_bar(library: Library) -> None:
    """Lay out the bar: one component, whose script calls `act`."""
    gr.HTML(
        html_template="<div class='g-jobs'></div>",
        js_on_load=load_module("ui/jobs/job_bar.js", "jobBar(element, server)"),
        apply_default_css=False,
        padding=False,
        server_functions=server_functions(library, act=act_on_job),
        elem_id="job-bar",
    )


def act_on_job(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Do fields["action"] with the job fields["job"]: stop, resume or confirm."""
    action = ACTIONS.get(str(fields.get("action")))
    if action is None:
        raise UserError(
            _("There is nothing called {action} to do with a job.", action=repr(str(fields.get("action"))[:40]))
        )
    action(library, str(fields.get("job")))
    return {"job": fields.get("job")}
