"""What the tables of results are made of: stored results, and cells in common form."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def seconds(figure: dict[str, float]) -> str:
    """A median with its range."""
    return f"{figure['median']:.1f} s ({figure['min']:.1f} – {figure['max']:.1f})"


def result(name: str) -> Any:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def machine_of(stored: dict[str, Any]) -> str:
    """The machine of a result, for a cell of a table."""
    machine = stored["machine"]
    return f"{machine['cores']} cores of an {machine['cpu']}"
