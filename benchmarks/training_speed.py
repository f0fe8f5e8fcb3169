"""How fast does pretraining run, beside open_clip_train, and what does it need?

    python benchmarks/training_speed.py --open-clip-python VENV/bin/python

VENV has open_clip_train (pip install open_clip_torch[training]). Both train the same tiny ViT and text tower from
the same tar shards with the same batch, on the processor, in turns, several times over; a step's images a second
are the median over its steps. Beside it: how much faster images load than the model consumes them, and what
activations --micro-batch leaves alive. benchmarks/gpu.py measures on a GPU.
The result is printed and kept beside this script as training_speed.json; benchmarks/tables.py puts it into
docs/pretraining.md. A quarter of an hour on two idle cores.
"""

import gc
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
RESULT = Path(__file__).parent / "results/training_speed.json"
WARM = 4  # first steps, which pay for what happens once
Words = list[str]  # of a command line
PRECISIONS = {"fp32": ("f32", "fp32"), "bf16": ("bf16", "amp_bf16")}  # ours, theirs
IDENTICAL: tuple[Words, Words] = (["--workers", "1", "--cache", "0", "--no-channels-last"], ["--workers", "1"])
# What each documents to make a processor faster; what is fastest in a trial is each one's best.
CANDIDATES: tuple[list[Words], list[Words]] = (
    [["--workers", "1"], ["--workers", "1", "--compile"]],
    [["--workers", "1"], ["--workers", "2"], ["--workers", "2", "--torchcompile"]],
)
THEIRS = """
import sys, open_clip
open_clip.add_model_config(sys.argv.pop(1))
from open_clip_train.main import main
main(sys.argv[1:])
"""
WORDS = [
    "red",
    "green",
    "blue",
    "small",
    "large",
    "old",
    "young",
    "wooden",
    "cat",
    "dog",
    "ship",
    "tree",
    "house",
    "bird",
    "on",
    "under",
    "beside",
    "near",
    "with",
    "and",
]


def write_shards(folder: Path, images: int, shards: int = 4) -> str:
    """Tar shards of 48-pixel images, each with a caption of its own; the name that means them all."""
    rng = np.random.default_rng(0)
    for shard in range(shards):
        with tarfile.open(folder / f"{shard:05d}.tar", "w") as tar:
            for number in range(shard * images // shards, (shard + 1) * images // shards):
                rough = Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8))
                image = io.BytesIO()
                rough.resize((48, 48), Image.Resampling.BICUBIC).save(image, "JPEG", quality=90)
                caption = f"{' '.join(rng.choice(WORDS, 6))} {number}"
                for ending, data in (("jpg", image.getvalue()), ("txt", caption.encode())):
                    member = tarfile.TarInfo(f"{number:06d}.{ending}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
    return str(folder / f"{{00000..{shards - 1:05d}}}.tar")


def ours(shards: str, batch: int, steps: int, threads: int, words: list[str]) -> float:
    """Images a second of this project's trainer, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "training", "clip", "--data", shards, "--out", f"{folder}/run"]
        command += ["--steps", str(steps), "--batch-size", str(batch), "--log-every", "1", "--warmup", "0", *words]
        _run(command, threads, cwd=ROOT)
        lines = [json.loads(line) for line in Path(folder, "run/metrics.jsonl").read_text().splitlines()]
    return statistics.median(line["images_per_second"] for line in lines[WARM:])


def theirs(python: str, shards: str, batch: int, steps: int, threads: int, words: list[str]) -> float:
    """Images a second of open_clip_train, as its own log has them."""
    from training.models.tower_configs import TINY

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "gelato-tiny.json").write_text(json.dumps(TINY["tiny"]))
        command = [python, "-c", THEIRS, f"{folder}/gelato-tiny.json", "--model", "gelato-tiny"]
        command += ["--train-data", shards, "--dataset-type", "webdataset", "--train-num-samples", str(batch * steps)]
        command += ["--batch-size", str(batch), "--epochs", "1", "--warmup", "1", "--log-every-n-steps", "1"]
        command += ["--logs", folder, "--name", "run", "--seed", "0", *words]
        said = _run(command, threads, cwd=Path(folder))
    rates = [float(rate) for rate in re.findall(r"Batch \(t\): [\d.]+, ([\d.]+)/s", said)]
    if len(rates) <= WARM:
        raise click.ClickException(f"open_clip_train wrote {len(rates)} steps: {said[-800:]}")
    return statistics.median(rates[WARM:])


def _run(command: list[str], threads: int, cwd: Path) -> str:
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"{command[:6]} ended with {done.returncode}: {done.stderr[-800:]}")
    return done.stdout + done.stderr


@dataclass(frozen=True)
class Sides:
    """Both trainers on the same shards: settings to images a second."""

    python: str
    shards: str
    batch: int
    steps: int
    threads: int

    def rates(self, our_words: Words, their_words: Words) -> tuple[float, float]:
        """One after the other, so that both meet the machine as it was."""
        same = (self.shards, self.batch, self.steps, self.threads)
        return ours(*same, our_words), theirs(self.python, *same, their_words)

    def best(self, precision: str) -> tuple[Words, Words]:
        """The fastest of each one's candidates in one trial; one that fails (no compiler) is none."""
        of_ours, of_theirs = PRECISIONS[precision]
        same = (self.shards, self.batch, self.steps, self.threads)

        def rate(measure: Callable[..., float], words: Words, *before: str) -> float:
            try:
                return measure(*before, *same, words)
            except click.ClickException as error:
                click.echo(f"{' '.join(words)}: {error.message}", err=True)
                return 0.0

        mine = [[*words, "--precision", of_ours] for words in CANDIDATES[0]]
        other = [[*words, "--precision", of_theirs] for words in CANDIDATES[1]]
        return (
            max(mine, key=lambda words: rate(ours, words)),
            max(other, key=lambda words: rate(theirs, words, self.python)),
        )

    def beside(self, rounds: int, our_words: Words, their_words: Words) -> dict[str, Any]:
        """Rounds of both in turns; ratios are taken within a round."""
        both = [self.rates(our_words, their_words) for _ in range(rounds)]
        ratios = sorted(mine / other for mine, other in both)
        return {
            "ratio": statistics.median(ratios),
            "low": ratios[0],
            "high": ratios[-1],
            "ours": statistics.median(mine for mine, _ in both),
            "theirs": statistics.median(other for _, other in both),
            "rounds": rounds,
            "settings": {"ours": " ".join(our_words), "theirs": " ".join(their_words)},
        }


def loading(shards: str, batch: int) -> dict[str, float]:
    """Images a second that one worker's work prepares, decoded before and decoded each time."""
    from training.data.config import DataConfig
    from training.data.prefetch import Prefetch
    from training.engine.distributed import join
    from training.pretrain import plan

    rates = {}
    for name, cache in (("decoded_once", 1024), ("decoded_each_time", 0)):
        settings = {"batch_size": batch, "steps": 100, "workers": 1}
        planned = plan("clip", DataConfig(data=(shards,), cache=cache), settings, {}, join("cpu"))
        steps = planned.batches.steps(0, 40, Prefetch(1))
        for _ in range(WARM):
            next(steps)
        begun = time.perf_counter()
        count = sum(1 for _ in steps)
        rates[name] = count * batch / (time.perf_counter() - begun)
    return rates


def activations(shards: str, batch: int) -> dict[str, float]:
    """Bytes that autograd keeps for the backward pass at most, for a whole batch and for eighths of it."""
    import torch

    from training.data.config import DataConfig
    from training.engine.distributed import join
    from training.engine.trainer import Trainer
    from training.pretrain import plan

    def most(**of_run: Any) -> int:
        settings = {"batch_size": batch, "steps": 1, "workers": 0} | of_run
        world = join("cpu")
        planned = plan("clip", DataConfig(data=(shards,)), settings, {}, world)
        trainer = Trainer(planned.method, "clip", planned.batches, planned.run, world, quiet=True)
        alive = peak = 0

        class Kept:
            def __init__(self, tensor: torch.Tensor):
                nonlocal alive, peak
                self.tensor, self.bytes = tensor, tensor.numel() * tensor.element_size()
                alive += self.bytes
                peak = max(peak, alive)

            def __del__(self) -> None:
                nonlocal alive
                alive -= self.bytes

        with torch.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
            trainer._backward(next(trainer.feed(0, 1))[0])
        gc.collect()
        return peak

    whole, pieces = most(), most(micro_batch=batch // 8)
    return {"whole_batch": whole, "eighths": pieces, "share": pieces / whole, "batch": batch}


@click.command()
@click.option("--open-clip-python", help="The Python of an environment with open_clip_train; left out, ours alone.")
@click.option("--batch", default=128, show_default=True, type=click.IntRange(16))
@click.option("--steps", default=20, show_default=True, type=click.IntRange(WARM + 2))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--threads", default=os.cpu_count(), show_default=True, type=click.IntRange(1))
def main(open_clip_python: str | None, batch: int, steps: int, rounds: int, threads: int) -> None:
    """Measure, print, and keep the result."""
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GELATO_CACHE"] = f"{folder}/cache"
        shards = write_shards(Path(folder), batch * steps)
        result["activations"] = activations(shards, batch)
        rates = loading(shards, batch)
        consumed = ours(shards, batch, steps, threads, ["--workers", "1"])
        result["loading"] = rates | {
            "model": consumed,
            "times_the_model": rates["decoded_once"] / consumed,
            "times_the_model_decoding": rates["decoded_each_time"] / consumed,
        }
        click.echo(f"activations: {result['activations']}\nloading: {result['loading']}", err=True)
        result["beside open_clip_train"] = found = {}
        for precision, (of_ours, of_theirs) in PRECISIONS.items() if open_clip_python else ():
            sides = Sides(str(open_clip_python), shards, batch, steps, threads)
            alike = [*IDENTICAL[0], "--precision", of_ours], [*IDENTICAL[1], "--precision", of_theirs]
            found[f"{precision}, identical settings"] = sides.beside(rounds, *alike)
            _store(result)  # after each, since an hour of measuring should not hang on its last minute
            found[f"{precision}, each one's best"] = sides.beside(rounds, *sides.best(precision))
            _store(result)
            click.echo(json.dumps(found, indent=1), err=True)
    click.echo(json.dumps(result, indent=1))


def _store(result: dict[str, Any]) -> None:
    from index.ingest.throughput import machine

    result = result | {"machine": machine(), "busy": os.getloadavg()[1]}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
