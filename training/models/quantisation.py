"""A tower in eight bits: faster on a processor with instructions for it, at a small turn of the vectors.

Weights and activations are numbers of eight bits (Jacob et al. 2018), their ranges read off a few photographs that
come with scikit-image and scikit-learn; in a transformer, outliers move from activations to weights first
(SmoothQuant, Xiao et al. 2023). Depthwise convolutions stay as they are: their channels differ too much in range, and
they are little work.
NNCF does it, once; the result lies beside the export and needs OpenVINO alone. How far the vectors of photographs
that nothing was fitted to turn is measured then, and a tower that turns too far is not used.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.models.atomic import write_file
from training.models.errors import UserError
from training.models.openvino_runtime import save_model
from training.models.preprocess import Preprocessing, preprocess_pixels

if TYPE_CHECKING:
    import openvino

SKIMAGE, SKLEARN = "skimage.data", "sklearn.datasets.images"
FITTED = [(SKIMAGE, f"{name}.png") for name in ("astronaut", "chelsea", "coffee", "camera")]
FITTED += [(SKIMAGE, "rocket.jpg"), (SKIMAGE, "hubble_deep_field.jpg")]
HELD_OUT = [(SKLEARN, "china.jpg"), (SKLEARN, "flower.jpg"), (SKIMAGE, "motorcycle_left.png"), (SKIMAGE, "ihc.png")]
CROPS = 10  # of each, from a quarter of its side to all of it
LEAST = 0.99  # mean cosine to the tower that it was made from

Run = Callable[[Path], Callable[[NDArray[np.floating]], NDArray[np.float32]]]


def quantized(openvino: ModuleType, core: "openvino.Core", path: Path, side: int, run: Run) -> Path:
    """The eight-bit form of the image tower exported at path, made the first time it is asked for.

    side: of the images it takes, uint8 [N, side, side, 3]. run: makes an exported tower one that runs. Processors
    without VNNI instructions add products of eight bits in sixteen, which overflows; where that turns the vectors too
    far, weights get seven bits. UserError if NNCF is not installed, or if the vectors turn too far even so.
    """
    small = path.with_name(f"{path.stem}-int8.xml")
    facts = small.with_suffix(".json")
    if not (facts.is_file() and small.is_file() and small.with_suffix(".bin").is_file()):
        held_out = np.stack(list(photographs(HELD_OUT, side)))
        for seven_bit_weights in (False, True):
            _quantize(openvino, core, path, small, side, seven_bit_weights)
            cosine = _cosine(run(path), run(small), held_out)
            if cosine >= LEAST:
                break
        write_file(facts, json.dumps({"mean_cosine": round(cosine, 5)}).encode())  # last: what says that it is whole
    cosine = json.loads(facts.read_bytes())["mean_cosine"]
    if cosine < LEAST:
        raise UserError(
            f"In eight bits this encoder turns the vectors of images too far (mean cosine {cosine:.3f}, "
            f"{LEAST} is the least); choose the precision bf16 or f32."
        )
    return small


def _quantize(
    openvino: ModuleType, core: "openvino.Core", path: Path, small: Path, side: int, seven_bit_weights: bool
) -> None:
    if not find_spec("nncf"):
        raise UserError(
            "The precision int8 needs NNCF, which is not installed; pip install -r requirements-int8.txt, "
            "or choose bf16 or f32."
        )
    import logging

    import nncf

    nncf.set_log_level(logging.ERROR)
    model = core.read_model(str(path))
    attends = any(op.get_type_name() in ("Softmax", "ScaledDotProductAttention") for op in model.get_ops())
    overflow_fix = nncf.OverflowFix.ENABLE if seven_bit_weights else None  # None: as NNCF sees fit
    with redirect_stdout(sys.stderr):  # where its bars belong
        model = nncf.quantize(
            model,
            nncf.Dataset([crop[None] for crop in photographs(FITTED, side)]),
            model_type=nncf.ModelType.TRANSFORMER if attends else None,
            subset_size=CROPS * len(FITTED),
            ignored_scope=nncf.IgnoredScope(types=["GroupConvolution"], validate=False),
            advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=overflow_fix),
        )
    save_model(openvino, model, small, half=False)


def _cosine(whole: Callable[..., Any], small: Callable[..., Any], pixels: NDArray[np.uint8]) -> float:
    """The mean cosine of what two towers make of the same images."""
    a, b = (np.concatenate([run(image[None]) for image in pixels]) for run in (whole, small))
    return float(((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).mean())


def photographs(names: Sequence[tuple[str, str]], side: int, crops: int = CROPS) -> Iterator[NDArray[np.uint8]]:
    """Square cuts of photographs, crops of each, uint8 [side, side, 3], the same on every machine."""
    rng = np.random.default_rng(0)
    for package, name in names:
        with files(package).joinpath(name).open("rb") as file:
            image = Image.open(file).convert("RGB")
        for _ in range(crops):
            width = int(min(image.size) * rng.uniform(0.25, 1))
            left, top = (int(rng.uniform(0, extent - width + 1)) for extent in image.size)
            cut = np.asarray(image.crop((left, top, left + width, top + width)))
            yield preprocess_pixels(cut, Preprocessing(side))
