"""How fast views are made: python benchmarks/views.py

SimCLR's two views of each image (crop, flip, colours, grey, blur, normalised), ours for a batch at once beside
torchvision's transforms one image at a time, in turns on one thread. Medians of the turns and their range go
into views.json.
"""

import json
import platform
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torchvision
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).parent.parent))

from training.data.batch import Batch
from training.data.keyed import Keyed
from training.data.views import SIMCLR_COLOURS, ViewKnobs, Views, two_alike
from training.models.atomic import write_file

TURNS = 5
CASES = [(32, 32, 0.0, 128), (96, 192, 0.5, 32), (224, 448, 0.5, 8)]  # view, canvas, blur, batch
HALF = (0.5, 0.5, 0.5)


def theirs(size: int, blur: float) -> v2.Compose:
    """The same recipe out of torchvision."""
    kernel = 2 * max(1, round(size / 20)) + 1
    return v2.Compose(
        [
            v2.RandomResizedCrop(size, (0.2, 1)),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([v2.ColorJitter(0.8, 0.8, 0.8, 0.2)], 0.8),
            v2.RandomGrayscale(0.2),
            v2.RandomApply([v2.GaussianBlur(kernel, (0.1, 2.0))], blur),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(HALF, HALF),
        ]
    )


def main() -> None:
    torch.set_num_threads(1)
    rows = []
    for size, canvas, blur, batch in CASES:
        images = torch.randint(0, 256, (batch, 3, canvas, canvas), dtype=torch.uint8)
        ours = Views(two_alike(ViewKnobs(jitter=1.0, blur=blur), size, SIMCLR_COLOURS), HALF, HALF)
        one = theirs(size, blur)
        seconds: dict[str, list[float]] = {"ours": [], "torchvision": []}
        for turn in range(TURNS + 1):
            begun = time.perf_counter()
            ours(Batch(images, [[]] * batch, torch.zeros(batch), Keyed(0, turn, np.arange(batch)), torch.ones(batch)))
            middle = time.perf_counter()
            for _ in range(2):
                torch.stack([one(image) for image in images])
            end = time.perf_counter()
            if turn:  # the first warms up
                seconds["ours"].append(middle - begun)
                seconds["torchvision"].append(end - middle)
        ratios = [b / a for a, b in zip(seconds["ours"], seconds["torchvision"], strict=True)]
        rows.append(
            {
                "size": size,
                "canvas": canvas,
                "blur": blur,
                "batch": batch,
                "ours": batch / statistics.median(seconds["ours"]),
                "torchvision": batch / statistics.median(seconds["torchvision"]),
                "ratio": {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)},
            }
        )
        print(rows[-1], flush=True)
    facts = {"torch": torch.__version__, "torchvision": torchvision.__version__, "machine": platform.machine()}
    document = {**facts, "threads": 1, "turns": TURNS, "rows": rows}
    write_file(Path(__file__).parent / "results/views.json", json.dumps(document, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
