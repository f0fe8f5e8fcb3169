"""How long embedding images with a model takes on this machine, and which model to offer here.

Speeds are measured where the model has run here before, and stored in the cache by its fingerprint. Else they are
estimated: the operations of the image tower, which the catalogue has, over what this machine computes a second, which
a short run of a transformer's two matrix products tells.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from training.models.atomic import write_file
from training.models.cache import cache_dir
from training.models.catalogue import CatalogueModel, catalogue, catalogue_model
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.openvino_runtime import core, library, processor
from training.models.parallel import cores
from training.models.runtime import resolve
from training.models.zoo import table, zoo_model

READING = 0.004  # seconds of a core to read, decode and shrink a photo of 12 megapixels and write its thumbnail
SHARE = 0.6  # of the matrix products' speed that image towers reach; EfficientNet and ViT-B-32 reach .5 to .75
SHORT_RUN = 0.5  # seconds
PATIENCE = 600.0  # seconds of embedding that a first offer may cost
OFFERED_BYTES = 2_000_000_000  # of a first offer's download
TYPICAL = 2000  # images, where the collection is not known


@dataclass(frozen=True)
class Estimate:
    """Seconds for a number of images. measured: on this machine with this model; how: a sentence that says which."""

    seconds: float
    images_per_second: float
    measured: bool
    how: str


def estimate(name: str, images: int) -> Estimate:
    """How long embedding a number of images with the model called name takes here, in its usual runtime and precision.

    UserError for a model that has not run here and is neither in the catalogue nor in the zoo.
    """
    known = _recorded(name)
    if known is not None:
        rate = known["build"] or _with_reading(known["embed"])
        return Estimate(images / rate, rate, True, "measured on this machine")
    listed = catalogue_model(name)
    gflops = listed.image_gflops if listed is not None else table()["gflops"] if zoo_model(name) else None
    if gflops is None:
        raise UserError(f"{name} has not run on this machine and is not in the catalogue, so its speed is not known.")
    rate = _with_reading(SHARE * gigaflops() / gflops)
    return Estimate(images / rate, rate, False, "estimated from the model's size and a short run on this machine")


def measure(encoder: Encoder, seconds: float = 2.0) -> float:
    """Images a second that an encoder embeds, without reading them; stored for estimates."""
    batching = encoder.batching
    side = encoder.image_size
    pixels = np.random.default_rng(0).integers(0, 255, (batching.batch_size, side, side, 3), np.uint8)
    encoder.embed_pixels(pixels)  # loads the tower
    began, done = time.perf_counter(), 0
    with ThreadPoolExecutor(batching.streams) as pool:
        while not done or time.perf_counter() - began < seconds:
            list(pool.map(encoder.embed_pixels, [pixels] * batching.streams))
            done += batching.streams * len(pixels)
    rate = done / (time.perf_counter() - began)
    _record(encoder, embed=rate)
    return rate


def record_speed(encoder: Encoder, images_per_second: float) -> None:
    """Store the speed of a build, all its stages included."""
    _record(encoder, build=images_per_second)


def recommended(images: int | None = None) -> CatalogueModel:
    """The model to offer on this machine to someone with a number of images.

    The best of those for English whose weights anyone may use, that fit into a quarter of the memory, are at most 2 GB
    to fetch and embed the images within 10 minutes; if none does, the best of those nearly as fast as the fastest.
    """
    offers = [model for model in catalogue() if model.commercial and model.use != "multilingual"]
    fits = [m for m in offers if 4 * m.parameters < _memory() / 4 and m.download_bytes <= OFFERED_BYTES]
    fits = fits or [min(offers, key=lambda model: model.parameters)]
    seconds = {model: estimate(model.name, images or TYPICAL).seconds for model in fits}
    soon = [model for model in fits if seconds[model] <= PATIENCE]
    fast = [model for model in fits if seconds[model] <= 1.2 * min(seconds.values())]
    return max(soon or fast, key=_quality)


def _quality(model: CatalogueModel) -> float:
    """Mean of zero-shot accuracy and text-to-image recall: search is retrieval."""
    return ((model.imagenet or 0.0) + (model.coco[0] if model.coco else 0.0)) / 2


def _with_reading(rate: float) -> float:
    """Images a second of a build whose tower embeds rate images a second."""
    return 1 / (1 / rate + READING / cores())


def gigaflops() -> float:
    """Billions of operations a second of matrix products in the usual runtime and precision; measured once, cached."""
    runtime, precision = resolve()
    file = cache_dir("processors") / f"{processor()}-{runtime}-{precision}-gigaflops.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return float(json.loads(file.read_bytes())["gigaflops"])
    found = _on_torch(precision) if runtime == "torch" else _on_openvino(precision)
    with suppress(OSError):
        write_file(file, json.dumps({"gigaflops": round(found, 1)}).encode())
    return found


ROWS, WIDTH = 8 * 197, 768  # of a batch of 8 images in a ViT-B/16
OPERATIONS = 2 * 2 * ROWS * WIDTH * 4 * WIDTH  # of the two products of one block's MLP


def _on_openvino(precision: str) -> float:
    opset = library().opset13
    rng = np.random.default_rng(0)
    first, second = (
        rng.normal(0, 0.02, shape).astype(np.float32) for shape in ((WIDTH, 4 * WIDTH), (4 * WIDTH, WIDTH))
    )
    x = opset.parameter([ROWS, WIDTH], np.float32)
    hidden = opset.gelu(opset.matmul(x, opset.constant(first), False, False), "erf")
    model = library().Model([opset.matmul(hidden, opset.constant(second), False, False)], [x], "products")
    hint = library().properties.hint.inference_precision()
    compiled = core().compile_model(model, "CPU", {hint: "bf16" if precision == "bf16" else "f32"})
    rows = rng.normal(0, 1, (ROWS, WIDTH)).astype(np.float32)
    # Of computing, not of the clock: others may use this machine while it is measured.
    return _rate(lambda: compiled([rows]), lambda: time.process_time() / cores())


def _on_torch(precision: str) -> float:
    import torch

    gpu = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    dtype = {"bf16": torch.bfloat16, "f16": torch.float16}.get(precision, torch.float32)
    rows = torch.randn(ROWS, WIDTH, device=gpu, dtype=dtype)
    first = torch.randn(WIDTH, 4 * WIDTH, device=gpu, dtype=dtype)
    second = torch.randn(4 * WIDTH, WIDTH, device=gpu, dtype=dtype)
    return _rate(lambda: (torch.nn.functional.gelu(rows @ first) @ second).sum().item(), time.perf_counter)


def _rate(run: Callable[[], object], clock: Callable[[], float]) -> float:
    """Billions of operations a second of a run, by a clock."""
    run()
    rounds, began, started = 0, time.perf_counter(), clock()
    while not rounds or time.perf_counter() - began < SHORT_RUN:
        run()
        rounds += 1
    return rounds * OPERATIONS / max(clock() - started, 1e-9) / 1e9


@cache
def _memory() -> int:
    """Bytes of memory of this machine; where the system does not say, 8 GB."""
    with suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 8 << 30


def _record(encoder: Encoder, **speeds: float) -> None:
    file = _file_of(encoder.fingerprint, encoder.runtime, encoder.precision)
    facts: dict[str, Any] = {"build": None, "embed": None}
    with suppress(OSError, ValueError):
        facts |= json.loads(file.read_bytes())
    facts |= {"name": encoder.name, "runtime": encoder.runtime, "precision": encoder.precision} | speeds
    with suppress(OSError):  # a cache that cannot be written only makes estimates worse
        write_file(file, json.dumps(facts).encode())


def _recorded(name: str) -> dict[str, Any] | None:
    """The stored speeds of a model in the usual runtime and precision, or None."""
    usual = dict(zip(("runtime", "precision"), resolve(), strict=True))
    for facts in _all_recorded():
        if facts.get("name") == name and usual.items() <= facts.items() and (facts["build"] or facts["embed"]):
            return facts
    return None


def _all_recorded() -> Iterator[dict[str, Any]]:
    for file in sorted(cache_dir("speeds", processor()).glob("*.json")):
        with suppress(OSError, ValueError):
            yield json.loads(file.read_bytes())


def _file_of(fingerprint: str, runtime: str, precision: str) -> Path:
    key = hashlib.sha256(f"{fingerprint}\n{runtime}\n{precision}".encode()).hexdigest()[:16]
    return cache_dir("speeds", processor()) / f"{key}.json"
