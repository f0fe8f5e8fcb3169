"""How do builds compare with clip-retrieval's `clip inference`, side by side on this machine?

    python benchmarks/rivals.py --photos FOLDER --clip-retrieval ENVIRONMENT/bin/clip-retrieval

The same photographs (repeated to COUNT) and the same random ViT-B-32, made here and loaded from a file by
both. clip-retrieval needs an environment of its own with setuptools<81. It runs with batches of 32 and two
workers, which are faster and smaller than its defaults on two cores. Working is the rate once a process is
warm: for clip-retrieval from the end of its warm-up, for builds without what starts the process. Whole is
the command from start to end. CPU seconds are those of the whole command. Memory is the most that all
processes of a command had at once (proportional set size, so that what they share counts once). A build's
first start on a machine also exports the tower, in a process of its own: its memory is told apart, and so are
the cosines of int8 to f32 over the photographs. The result is printed and kept beside this script.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.random_weights import make_weights
from index.ingest.throughput import machine

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results/rivals.json"
WARM = "done warming up"


def repeated(photos: Path, into: Path, count: int) -> Path:
    """The photographs copied until there are count of them, all named .jpg, which is what clip-retrieval lists."""
    into.mkdir()
    found = sorted(path for path in photos.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".heic"))
    for i in range(count):
        shutil.copy(found[i % len(found)], into / f"{i:06d}.jpg")
    return into


def ran(command: list[str], **environment: str) -> dict[str, Any]:
    """What a command printed, how long it took on the clock and of processors, when it said that it was warm, and the
    most memory it had."""
    begun, worked = time.monotonic(), _processor_time()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peak = [0.0]
    watch = threading.Thread(target=watch_memory, args=(process, peak), daemon=True)
    watch.start()
    lines, warm = [], 0.0
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if line.startswith(WARM):
            warm = time.monotonic() - begun
    if process.wait():
        raise click.ClickException(f"{' '.join(command)} failed:\n{''.join(lines[-20:])}")
    watch.join()
    return {
        "seconds": time.monotonic() - begun,
        "cpu_seconds": _processor_time() - worked,
        "warm": warm,
        "output": "".join(lines),
        "memory_mb": round(peak[0]),
    }


def _processor_time() -> float:
    """Seconds of all processors that the commands so far have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def watch_memory(process: subprocess.Popen, peak: list[float]) -> None:
    """Keep in peak[0] the most megabytes that a process and all it has started had at once, until it ends."""
    while process.poll() is None:
        peak[0] = max(peak[0], sum(_memory(pid) for pid in _family(process.pid)))
        time.sleep(0.5)


def _family(pid: int) -> list[int]:
    """A process and all that it has started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [child for own in task.read_text().split() for child in _family(int(own))]
        except OSError:
            continue
    return found


def _memory(pid: int) -> float:
    """Proportional set size in megabytes."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("Pss:")), 0.0)


def last_document(output: str) -> dict[str, Any]:
    """The last JSON document among lines of any kind."""
    found: dict[str, Any] = {}
    at, decoder = output.find("{"), json.JSONDecoder()
    while at >= 0:
        try:
            found, end = decoder.raw_decode(output, at)
        except ValueError:
            end = at + 1
        at = output.find("{", end)
    return found


def ours(images: Path, encoder: str, *options: str, cache: Path | None = None) -> dict[str, Any]:
    """A build, once the tower has been exported by a build of few images, with a cache of their own."""
    with tempfile.TemporaryDirectory() as folder:
        cache = cache or Path(folder, "cache")
        few = Path(folder, "few")
        few.mkdir()
        for path in sorted(images.iterdir())[:4]:
            shutil.copy(path, few)
        build, words = [sys.executable, "-m", "index", "build"], ["--encoder", encoder, *options]
        first = ran([*build, str(few), "--into", f"{folder}/few.gelato", *words], GELATO_CACHE=str(cache))
        done = ran([*build, str(images), "--into", f"{folder}/c.gelato", "--json", *words], GELATO_CACHE=str(cache))
    report = last_document(done["output"])  # after those that tell of its progress
    figures = _figures(report["embedded"], done, report["seconds"]) | {"precision": report["precision"]}
    return figures | {"first_start_mb": first["memory_mb"], "first_start_s": round(first["seconds"], 1)}


def turned(images: Path, encoder: str) -> dict[str, float]:
    """Cosines of int8 to f32 over the different ones among the photographs."""
    from training.models.decoding import decode_image
    from training.models.encoder import unit
    from training.models.encoders import load_encoder

    opened = [decode_image(path.read_bytes()).image for path in sorted(images.iterdir())[:200]]
    whole, small = (unit(load_encoder(encoder, "openvino", p).embed_images(opened)) for p in ("f32", "int8"))
    cosines = (whole * small).sum(axis=1)
    return {"cosine_mean": round(float(cosines.mean()), 5), "cosine_least": round(float(cosines.min()), 5)}


def clip_retrieval(command: Sequence[str], images: Path, weights: Path) -> dict[str, Any]:
    """`clip inference` over the same images and weights."""
    with tempfile.TemporaryDirectory() as folder:
        options = {
            "input_dataset": str(images),
            "output_folder": f"{folder}/out",
            "clip_model": f"open_clip:ViT-B-32/{weights}",
            "enable_text": "False",
            "batch_size": "32",
            "num_prepro_workers": "2",
        }
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        done = ran([*command, "inference", *words], HF_HUB_OFFLINE="1", PYTHONUNBUFFERED="1")
        count = len(list(images.iterdir()))
    return _figures(count, done, done["seconds"] - done["warm"]) | {"precision": "f32"}


def _figures(count: int, done: dict[str, Any], working: float) -> dict[str, Any]:
    return {
        "images": count,
        "working": round(count / working, 2),
        "whole": round(count / done["seconds"], 2),
        "cpu_seconds": round(done["cpu_seconds"], 1),
        "memory_mb": done["memory_mb"],
    }


@click.command()
@click.option("--photos", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--clip-retrieval", "rival", required=True, help="Its command, in an environment of its own.")
@click.option("--count", default=1000, show_default=True, help="Photographs, repeated to that many.")
@click.option("--weights", type=click.Path(path_type=Path), help="Kept there for another run.")
def main(photos: Path, rival: str, count: int, weights: Path | None) -> None:
    """Builds and clip-retrieval in turn."""
    result: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        random = make_weights("ViT-B-32", weights or Path(folder, "random.pt"))
        images = repeated(photos, Path(folder, "photographs"), count)
        result["gelato, ViT-B-32"] = ours(images, f"ViT-B-32/{random}")
        result["gelato, ViT-B-32, int8"] = ours(images, f"ViT-B-32/{random}", "--precision", "int8")
        result["gelato, ViT-B-32, int8"] |= turned(images, f"ViT-B-32/{random}")
        result["clip-retrieval, ViT-B-32"] = clip_retrieval([rival], images, random)
        result["gelato, starter"] = ours(images, "starter")
    of_rival = result["clip-retrieval, ViT-B-32"]
    for name in ("gelato, ViT-B-32", "gelato, ViT-B-32, int8", "gelato, starter"):
        ratios = {kind: round(result[name][kind] / of_rival[kind], 2) for kind in ("working", "whole", "memory_mb")}
        result[name]["beside_clip_retrieval"] = ratios
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
