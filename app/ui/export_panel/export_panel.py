"""What the panel of exports asks the server for."""

from collections.abc import Mapping
from typing import Any

from app.state.exporting import ExportFields, export_state, start_export
from app.state.job_control import stop_job
from app.state.library import Library
from app.state.validation import validated


def export_to(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Start to export what is chosen into a folder, or to look at what would be written."""
    return start_export(library, validated(ExportFields, fields)).as_dict()


def export_progress(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """How far the export fields["job"] is, and its report."""
    return export_state(library, str(fields.get("job")))


def stop_export(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Tell the job fields["job"] to stop; finished work stays."""
    stop_job(library, str(fields.get("job")))
    return {}
