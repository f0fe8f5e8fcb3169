"""Duplicates: groups of the same image or of similar shots, which of each stays, and the others moved to a folder."""

from collections.abc import Mapping
from typing import Any

from app.state.duplicates import (
    DuplicatesFields,
    GroupsFields,
    MoveFields,
    find,
    move_state,
    overview,
    page_of_groups,
    start_move,
    start_undo,
)
from app.state.job_control import stop_job
from app.state.library import Library
from app.state.validation import validated
from app.ui.command.command import index_command, places
from app.ui.component import tab_component
from app.ui.index_form.index_form import list_folder, offer_folders


def duplicates_tab(library: Library) -> None:
    """Lay out the tab: one component, whose script calls these functions."""
    tab_component(
        library,
        "duplicates",
        overview=all_of_tier,
        find=find_groups,
        groups=some_groups,
        move=move,
        moveState=progress_of_move,
        stop=stop,
        undo=undo,
        folders=offer_folders,
        listing=list_folder,
    )


def all_of_tier(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """How many duplicates of a tier there are, if that is known, and what can be done."""
    given = validated(DuplicatesFields, fields)
    tier = ["--exact"] if given.tier == "exact" else ["--tier", given.tier]
    folders = places(library, [library.collection(given.collection)])
    command = index_command("duplicates", *folders, *tier) if folders else ""
    return overview(library, given) | {"command": command}


def find_groups(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Start to look for the duplicates of a tier."""
    given = validated(DuplicatesFields, fields)
    return {"job": find(library, library.collection(given.collection), given.tier).id}


def some_groups(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A page of groups."""
    return page_of_groups(library, validated(GroupsFields, fields))


def move(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Start to move what does not stay, or to look at what would be moved."""
    return start_move(library, validated(MoveFields, fields)).as_dict()


def progress_of_move(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """How far the move fields["job"] is, and its report."""
    return move_state(library, str(fields.get("job")))


def stop(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Tell the move fields["job"] to stop; what is moved stays moved, until it is undone."""
    stop_job(library, str(fields.get("job")))
    return {}


def undo(library: Library, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Put back what was moved last."""
    given = validated(DuplicatesFields, fields)
    return {"job": start_undo(library, library.collection(given.collection)).id}
