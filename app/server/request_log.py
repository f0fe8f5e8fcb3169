"""Structured logs: one line a request with its id, route, status and milliseconds, as text or as JSON.

A route is the pattern of an address, such as /media/{key}/{id}.webp. Addresses themselves, with queries, ids and names
of files, are written nowhere.
"""

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

from training.models.strict_json import json_text

REQUESTS = logging.getLogger("gelato.requests")
request_id: ContextVar[str] = ContextVar("request_id", default="")  # of the request that is being answered
FORMATS = ("text", "json")


def set_up_logging(kind: str | None) -> None:
    """Send warnings and errors to stderr; kind text or json: also a line a request."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if kind == "json" else TextLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    REQUESTS.setLevel(logging.INFO if kind else logging.WARNING)


def log_request(id: str, method: str, route: str, status: int, seconds: float) -> None:
    """Write the line of a request that was answered."""
    if REQUESTS.isEnabledFor(logging.INFO):
        facts = {"method": method, "route": route, "status": status, "milliseconds": round(1000 * seconds, 1)}
        REQUESTS.info("request", extra={"facts": {"request": id, **facts}})


class TextLines(logging.Formatter):
    """Requests as `12:00:01 200 GET /api/v1/search 12.3 ms (id)`, the rest as LEVEL: message."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", None)
        if facts is None:
            return super().format(record)
        time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        request = f"{facts['status']} {facts['method']} {facts['route']}"
        return f"{time} {request} {facts['milliseconds']} ms ({facts['request']})"


class JsonLines(logging.Formatter):
    """One JSON object a line: time in UTC, level, message, the id of the request, and what else is known."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"time": time, "level": record.levelname.lower(), "message": record.getMessage()}
        if request_id.get():
            line["request"] = request_id.get()
        line |= getattr(record, "facts", None) or {"logger": record.name}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json_text(line, indent=None, ascii_only=True)
