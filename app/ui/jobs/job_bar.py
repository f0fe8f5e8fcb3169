"""The bar of jobs below the header, on every tab; the header's state has the jobs."""

from collections.abc import Mapping
from typing import Any

from app.language.current import _
from app.state.job_control import confirm_job, resume_job, stop_job
from app.state.library import Library
from app.ui.component import component
from training.models.errors import UserError

ACTIONS = {"stop": stop_job, "resume": resume_job, "confirm": confirm_job}


def job_bar(library: Library) -> None:
    """Lay out the bar: one component, whose script calls `act`."""
    html, script = "<div class='g-jobs'></div>", "ui/jobs/job_bar.js"
    component(library, "job-bar", html, script, "jobBar(element, server)", {"act": act_on_job})


def act_on_job(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Do fields["action"] with the job fields["job"]: stop, resume or confirm."""
    action = ACTIONS.get(str(fields.get("action")))
    if action is None:
        raise UserError(
            _("There is nothing called {action} to do with a job.", action=repr(str(fields.get("action"))[:40]))
        )
    action(library, str(fields.get("job")))
    return {"job": fields.get("job")}
