"""Train, measure and store the encoders of the zoo, each once: what is there already is read."""

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from training.comparison.measure import Entry
from training.comparison.table import document
from training.data.config import DataConfig
from training.data.dataset import ImageDataset
from training.data.labels import ClassColumn
from training.data.pixel_cache import MOST_CACHED
from training.engine.config import CONFIG
from training.evaluation.during_training import HeldOutImages
from training.evaluation.runs import parameters, read_run
from training.evaluation.subject import Subject
from training.evaluation.suite import run_suite
from training.models.atomic import write_file
from training.models.dual_encoders import tokenizer_of
from training.models.encoder import Encoder
from training.models.intervals import Figure
from training.models.run_encoder import encoder_in, write_encoder
from training.models.run_files import WEIGHTS_FILE, read_encoder_config
from training.models.sparse_rows import EMBEDDING, only_rows, rows_stored
from training.models.zoo import FIGURES_FILE, ZooModel, table
from training.pretrain import begin, resume
from training.zoo.card import card
from training.zoo.drawings import write_drawings

SHIPPED = 0  # the seed whose encoder is stored: the first, not the best
RESULTS, FACTS = "results.json", "facts.json"
Say = Callable[[str], object]


def build_zoo(models: Sequence[ZooModel], seeds: int, steps: int | None, out: Path, say: Say) -> dict[str, Any]:
    """Train each model with so many seeds, measure all, and store the encoder of the first seed of each in out/NAME.

    steps: in the place of those of zoo.toml. Gives the results, which out/results.json holds too: the figures over
    seeds, and those of each run.
    """
    drawings = out / "drawings"
    write_drawings(drawings)
    entries = []
    for model in models:
        for seed in range(seeds):
            run = out / "runs" / f"{model.name}-{seed}"
            train(model, seed, steps, drawings, run, say)
            entries.append(_entry(model, seed, run, drawings))
        publish(model, entries[-seeds], out / "runs" / f"{model.name}-{SHIPPED}", out / model.name)
    about = {"steps": steps, "torch": torch.__version__, "threads": torch.get_num_threads()}
    results = document(entries, about)
    write_file(out / RESULTS, json.dumps(results, indent=1).encode() + b"\n")
    return results


def train(model: ZooModel, seed: int, steps: int | None, drawings: Path, run: Path, say: Say) -> None:
    """Train a model with a seed, unless it is done: its small encoder and its figures are in the run directory.

    drawings: the folder of write_drawings.
    """
    if (run / FACTS).is_file():
        return
    say(f"training {model.name}, seed {seed}")
    every = table()
    sources = tuple(spec.format(drawings=drawings) for spec in every["data"])
    data = DataConfig(data=sources, tower=every["tower"], image_size=every["image_size"], label_column="label")
    settings: dict[str, Any] = {"workers": 0, "device": "cpu", **every["run"], "seed": seed}
    settings |= ({"steps": steps} if steps else {}) | model.run
    began = time.process_time()
    if (run / CONFIG).is_file():
        resume(run, quiet=True)
    else:
        begin(run, model.method, data, settings, model.settings, quiet=True)
    facts = {"minutes": (time.process_time() - began) / 60, "steps": read_run(run).step}
    shutil.rmtree(run / "checkpoints")
    write_file(run / FACTS, json.dumps(facts).encode() + b"\n")


def _entry(model: ZooModel, seed: int, run: Path, drawings: Path) -> Entry:
    """The figures and facts of a run, measured on its encoder as it would ship."""
    small, measured = run / "small", run / FIGURES_FILE
    facts = json.loads((run / FACTS).read_bytes())
    if not measured.is_file():
        store(run, small)
        write_file(measured, json.dumps(measure(encoder_in(small, model.name, "torch", "f32"), drawings)).encode())
    facts |= {"parameters": parameters(small / WEIGHTS_FILE), "bytes": (small / WEIGHTS_FILE).stat().st_size}
    facts |= {"tokens": count} if (count := rows_stored(small / WEIGHTS_FILE)) else {}
    return Entry(model.name, model.name, seed, facts.pop("steps"), json.loads(measured.read_bytes()), facts, [])


def store(run: Path, folder: Path) -> None:
    """Write the encoder of a run as it ships: in half precision, with the tokens of the captions alone."""
    from safetensors.torch import load_file

    config, state = read_encoder_config(run), load_file(run / WEIGHTS_FILE)
    if EMBEDDING in state:
        state = only_rows(state, tokens_seen(run, config))
    halves = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    folder.mkdir(parents=True, exist_ok=True)
    write_encoder(folder, config, halves)


def tokens_seen(run: Path, config: Mapping[str, Any]) -> torch.Tensor:
    """The tokens of the captions that a run was trained on, each once, in order."""
    specs = json.loads((run / CONFIG).read_bytes())["data"]["data"]
    images = ImageDataset(specs, config["preprocess_cfg"]["size"], needs_captions=True)
    captions = {caption for number in range(len(images)) for caption in images.captions(number)}
    return tokenizer_of(config["model_cfg"]["text_cfg"])(sorted(captions)).unique()


def measure(encoder: Encoder, drawings: Path) -> dict[str, Figure]:
    """The figures on held-out images, by probe and what is told apart: knn/shape, zero-shot/colour, ..."""
    figures: dict[str, Figure] = {}
    for of in table()["figures"]:
        train, test = (of[part].format(drawings=drawings) for part in ("train", "test"))
        pixels = HeldOutImages(MOST_CACHED)  # scenes are drawn once for all encoders
        classes, templates = ClassColumn(of["column"]), tuple(of["templates"])
        subject = Subject(encoder, test, train, classes, templates, embed=pixels.embed)
        suite = [probe for probe in of["suite"] if probe != "zero-shot" or encoder.reads_text]
        results = run_suite(subject, ",".join(suite)).results
        figures |= {f"{probe}/{of['name']}": result.named[""] for probe, result in results.items()}
    return figures


def publish(model: ZooModel, entry: Entry, run: Path, folder: Path) -> None:
    """Put the encoder, the figures and the card of a measured run into folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (WEIGHTS_FILE, "encoder.json"):
        shutil.copyfile(run / "small" / file, folder / file)
    write_file(folder / FIGURES_FILE, json.dumps(entry.figures, indent=1).encode() + b"\n")
    write_file(folder / "README.md", card(model, entry).encode())
