"""The last actions of a person on a collection, so that they can be undone."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from index.storage.annotations import Connection

MOST = 100  # actions that can be undone
REMOVE, MOVE = "remove", "move"  # in the log; "tag" and "untag" are the others


def log_action(connection: Connection, action: str, what: Mapping[str, Any]) -> int:
    """Remember an action, in the transaction that does it; the number that it got."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    number = connection.execute(
        "INSERT INTO undo (at, action, what) VALUES (?, ?, ?)", (at, action, json.dumps(what))
    ).lastrowid
    assert number is not None
    connection.execute("DELETE FROM undo WHERE number <= ?", (number - MOST,))
    return number
