"""How long training stands still for a checkpoint: written by a thread meanwhile, and waited for.

    python -m benchmarks.checkpoints [--tower resnet50] [--turns 3] [--work FOLDER]

SimCLR trains on generated images and writes a checkpoint every few steps, in turns as it does, and so that each
checkpoint is waited for where it is begun. The result is kept in results/checkpoints.json: seconds that the training
thread was held up by a checkpoint, from its step to the next (the last checkpoint of a run, which is always waited for,
does not count), and those of a step.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from training.data.config import DataConfig
from training.engine.saving import Saver
from training.engine.trainer import Trainer
from training.pretrain import begin

RESULT = Path(__file__).parent / "results/checkpoints.json"
STEPS, EVERY, BATCH, IMAGES, SIDE = 13, 4, 8, 32, 32
RUN = {"batch_size": BATCH, "steps": STEPS, "checkpoint_every": EVERY, "workers": 0, "device": "cpu", "report": False}


def images(folder: Path) -> Path:
    """Some images of noise."""
    random = np.random.default_rng(0)
    for number in range(IMAGES):
        Image.fromarray(random.integers(0, 256, (SIDE, SIDE, 3), np.uint8)).save(folder / f"{number}.png")
    return folder


def measure(data: Path, out: Path, tower: str, waiting: bool) -> dict[str, Any]:
    """Seconds of each checkpoint but the last, and of the steps, of one run."""
    held, steps, save, step = list[float](), list[float](), Saver.save, Trainer._train_step

    def timed_save(self: Saver, *rest: Any, **named: Any) -> None:
        started = time.perf_counter()
        save(self, *rest, **named)
        if waiting:
            self.finish()
        held.append(time.perf_counter() - started)

    def timed_step(self: Trainer, *rest: Any) -> None:
        started = time.perf_counter()
        step(self, *rest)
        steps.append(time.perf_counter() - started)

    Saver.save, Trainer._train_step = timed_save, timed_step  # type: ignore[method-assign]
    started = time.perf_counter()
    try:
        begin(out, "simclr", DataConfig(data=(str(data),), tower=tower, image_size=SIDE), RUN, {}, quiet=True)
    finally:
        Saver.save, Trainer._train_step = save, step  # type: ignore[method-assign]
    written = sum(file.stat().st_size for file in out.glob(f"checkpoints/step-{STEPS:08d}/*"))
    return {
        "waiting": waiting,
        "held_seconds": [round(seconds, 4) for seconds in held[:-1]],
        "step_seconds": round(median(steps), 4),
        "seconds": round(time.perf_counter() - started, 2),
        "bytes": written,
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tower", default="resnet50")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--work", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.work) as temporary:
        os.environ["GELATO_CACHE"] = str(Path(temporary, "cache"))
        folder = Path(temporary, "images")
        folder.mkdir()
        images(folder)
        runs = []
        for turn in range(given.turns):
            for waiting in (False, True):
                runs.append(measure(folder, Path(temporary, f"{turn}-{waiting}"), given.tower, waiting))
                print(runs[-1], flush=True)
    result: dict[str, Any] = {"tower": given.tower, "batch": BATCH, "cores": os.cpu_count(), "bytes": runs[0]["bytes"]}
    for waiting, name in ((False, "in_the_background"), (True, "waited_for")):
        seconds = sorted(second for run in runs if run["waiting"] == waiting for second in run["held_seconds"])
        result[name] = {"median": median(seconds), "low": seconds[0], "high": seconds[-1], "n": len(seconds)}
    result |= {"times_shorter": result["waited_for"]["median"] / result["in_the_background"]["median"], "runs": runs}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print({name: value for name, value in result.items() if name != "runs"})
