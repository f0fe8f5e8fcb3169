"""How fast is the generated world? Scenes of 64 pixels a second on one core, and how hackable its pairs are.

    python benchmarks/scenes.py

The result is printed and kept beside this script as scenes.json.
"""

import json
import platform
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from training.data.scenes.contrasts import audit
from training.data.scenes.source import scene

RESULT = Path(__file__).parent / "results/scenes.json"
SCENES, RUNS = 3000, 5


def rate(run: int) -> float:
    """Scenes a second of processor time of this one thread."""
    started = time.process_time()
    for i in range(SCENES):
        scene(run, i)
    return SCENES / (time.process_time() - started)


if __name__ == "__main__":
    for i in range(500):  # masks are drawn once
        scene(99, i)
    rates = sorted(rate(run) for run in range(RUNS))
    result = {
        "scenes_per_second": {
            "median": round(statistics.median(rates)),
            "min": round(rates[0]),
            "max": round(rates[-1]),
        },
        "pixels": 64,
        "runs": RUNS,
        "audit": audit(0, 500),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
