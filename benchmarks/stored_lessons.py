"""The runs of benchmarks/results/claims that lessons show, in a file that is installed with them.

python benchmarks/stored_lessons.py
"""

import json
from pathlib import Path

from training.lessons.data import ARMS, STORED
from training.models.atomic import write_file

CLAIMS = Path(__file__).parent / "results/claims"


def stored() -> dict[str, dict[str, list[float]]]:
    """The measures of each arm that a lesson shows, one value a seed."""
    found: dict[str, dict[str, list[float]]] = {}
    for measure, arms in ARMS.values():
        for arm in arms:
            runs = [json.loads(file.read_bytes()) for file in sorted(CLAIMS.glob(f"{arm}-[0-9].json"))]
            found.setdefault(arm, {})[measure] = [run["measured"][measure] for run in runs]
    return found


if __name__ == "__main__":
    write_file(STORED, json.dumps(stored(), indent=1, sort_keys=True).encode() + b"\n")
