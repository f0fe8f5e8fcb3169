"""What crops cut from whole images change, beside crops from a centre square, as earlier versions cut them.

    python -m benchmarks.crops --captions captions.csv [--steps 200] [--seeds 3]

SimCLR and CLIP train a small ViT of 72 pixels on photographs of any shape, in turns with RandomResizedCrop on the whole
photograph (the default), and on the square in its middle, resized to 8/7 of 72 pixels. A table names the photographs
(path, caption, split: train and val). Of the photographs whose captions have exactly one of WORDS, the word is the
class: SimCLR is measured by k-NN over all of them, CLIP by zero-shot classification and retrieval over those of val.
The result is kept in results/crops.json; a run that is done is not run again.
"""

import json
import os
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any

import click
import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from training.data import dataset  # noqa: E402
from training.data.config import DataConfig  # noqa: E402
from training.data.dataset import WholeImage  # noqa: E402
from training.data.source import Item  # noqa: E402
from training.engine.log import read_metrics  # noqa: E402
from training.evaluation.during_training import evaluator  # noqa: E402
from training.models.decoding import decode_image  # noqa: E402
from training.models.preprocess import Preprocessing, preprocess_pixels  # noqa: E402
from training.models.tower_configs import TINY  # noqa: E402
from training.pretrain import begin  # noqa: E402

RESULT = Path(__file__).parent / "results/crops.json"
SIZE, BATCH = 72, 64
WHOLE, SQUARE = "from the whole image", "from a centre square"
TOWER = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": SIZE, "layers": 3, "width": 128, "head_width": 32, "patch_size": 12},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
WORDS = (
    "dog cat train pizza giraffe elephant bus bed toilet boat horse zebra tennis baseball kite surfboard skateboard "
    "motorcycle airplane laptop cake bear sheep clock bird umbrella snow kitchen bathroom bench"
)
METHODS = {  # what each is measured by, and the table for it
    "simclr": ("knn", "all"),
    "clip": ("zero-shot,retrieval", "val"),
}


def tables(captions: Path, folder: Path) -> dict[str, Path]:
    """Tables to train on and to evaluate on: one line a photograph, with its class where it has one."""
    rows = pd.read_csv(captions)
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, caption, split in rows[["path", "caption", "split"]].itertuples(index=False):
        texts[str(captions.parent / path), split].append(caption)
    found = [
        {"path": path, "split": split, "caption": of[0], "label": words[0] if len(words) == 1 else ""}
        for (path, split), of in texts.items()
        for words in [[word for word in WORDS.split() if re.search(rf"\b{word}s?\b", " ".join(of).lower())]]
    ]
    whole = pd.DataFrame(found)
    named = whole[whole["label"] != ""]
    parts = {"train": whole[whole["split"] == "train"], "all": named, "val": named[named["split"] == "val"]}
    for name, part in parts.items():
        columns = ["path", "caption"] if name == "train" else ["path", "caption", "label"]
        part[columns].to_csv(folder / f"{name}.csv", index=False)
    return {name: folder / f"{name}.csv" for name in parts}


@contextmanager
def centre_squares() -> Iterator[None]:
    """Within the `with`, images are read as earlier versions did: the shorter side fitted, the middle of the longer."""
    read = dataset.read_whole

    def square(item: Item, canvas: int, jpegs_for_gpu: bool = False) -> WholeImage:
        pixels = preprocess_pixels(decode_image(item.read(), canvas).pixels, Preprocessing(canvas))
        return WholeImage(pixels.transpose(2, 0, 1), 1.0)

    dataset.read_whole = square
    try:
        yield
    finally:
        dataset.read_whole = read


def train(method: str, crops: str, seed: int, steps: int, at: dict[str, Path], out: Path) -> dict[str, Any]:
    """The figures at the end of a run."""
    suite, table = METHODS[method]
    canvas = SIZE * 8 // 7 if crops == SQUARE else None
    data = DataConfig(
        data=(str(at["train"]),), evaluate=(str(at[table]),), suite=suite, tower="tiny", canvas=canvas, cache=1024
    )
    run = {"batch_size": BATCH, "steps": steps, "seed": seed, "workers": 0, "device": "cpu", "report": False}
    os.environ["GELATO_CACHE"] = str(out.parent / f"cache {crops}")  # of pixels, which it keeps by their canvas
    begin(out, method, data, run, {}, evaluator(data), quiet=True)
    (figures,) = read_metrics(out / "metrics.jsonl")[-1]["evaluation"].values()
    return {name: flat(figure) for name, figure in figures.items()}


def flat(figure: dict[str, Any]) -> dict[str, Any]:
    """A figure, or the figures of a probe by name."""
    kept = ("value", "low", "high", "n")
    if "value" in figure:
        return {name: figure[name] for name in kept if name in figure}
    return {name: flat(inner) for name, inner in figure.items() if isinstance(inner, dict)}


def named(figures: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The values of figures by name."""
    for name, figure in figures.items():
        if "value" in figure:
            yield f"{prefix}{name}", figure["value"]
        else:
            yield from named(figure, f"{prefix}{name}, ")


def differences(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Whole images minus centre squares, seed by seed: mean, lowest and highest, by method and figure."""
    found: dict[str, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        for name, value in named(run["figures"]):
            found[f"{run['method']}, {name}"][run["seed"]][run["crops"]] = value
    result = {}
    for name, seeds in found.items():
        pairs = [of for of in seeds.values() if len(of) == 2]
        if pairs:
            apart = [of[WHOLE] - of[SQUARE] for of in pairs]
            line = {crops: mean(of[crops] for of in pairs) for crops in (WHOLE, SQUARE)}
            line |= {"difference": mean(apart), "low": min(apart), "high": max(apart), "seeds": len(apart)}
            result[name] = {key: round(value, 4) for key, value in line.items()}
    return result


@click.command()
@click.option("--captions", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--steps", default=200, show_default=True)
@click.option("--seeds", default=3, show_default=True)
def main(captions: Path, steps: int, seeds: int) -> None:
    """Measure what is not measured yet, print it, and keep it."""
    TINY["tiny"] = TOWER
    stored: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() else {"runs": []}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        at = tables(captions.resolve(), folder)
        for seed in range(seeds):
            for method in METHODS:
                for crops in (WHOLE, SQUARE):
                    key = {"method": method, "crops": crops, "seed": seed, "steps": steps}
                    if any(key.items() <= run.items() for run in stored["runs"]):
                        continue
                    out = folder / f"{method} {crops} {seed}"
                    if crops == WHOLE:
                        figures = train(method, crops, seed, steps, at, out)
                    else:
                        with centre_squares():
                            figures = train(method, crops, seed, steps, at, out)
                    stored["runs"].append(key | {"load": round(os.getloadavg()[0], 1), "figures": figures})
                    print(stored["runs"][-1], flush=True)
                    stored |= {"size": SIZE, "batch": BATCH, "cores": os.cpu_count()}
                    stored["differences"] = differences(stored["runs"])
                    RESULT.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
