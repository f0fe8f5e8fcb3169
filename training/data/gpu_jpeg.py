"""JPEGs that a GPU decodes (nvJPEG, by torchvision): workers hand over their bytes, and others decoded, as ever.

Only ordinary JPEGs are handed over: upright, in sRGB, whole, and not so large that a worker would decode them at a
fraction. torchvision's pixels differ from libjpeg's, and PyTorch's resize from ours, by a few of 255 levels.
"""

import io
import warnings
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from training.models.decoding import MOST_MEGAPIXELS, ImageError, decode_image
from training.models.decoding.colours import transform_of
from training.models.decoding.jpeg import plain_header
from training.models.errors import UserError
from training.models.preprocess import Preprocessing, preprocess_pixels

END = b"\xff\xd9"


def works_on(device: torch.device) -> bool:
    """Whether torchvision was built with nvJPEG, and it decodes on this device."""
    if device.type != "cuda":
        return False
    held = io.BytesIO()
    Image.new("RGB", (16, 16)).save(held, "JPEG")
    try:
        return decode_all(cut(*joined([held.getvalue()])), device)[0].device == device
    except (RuntimeError, ImportError, AttributeError):  # built without it, or a torchvision that has it no more
        return False


def decode_all(files: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    """RGB pixels uint8 [3, H, W] of JPEGs, each the bytes of a file, on device. RuntimeError if one has none."""
    from torchvision.io import ImageReadMode, decode_jpeg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it will be of another package, which has no wheel for every platform
        decoded: list[Tensor] = decode_jpeg(list(files), mode=ImageReadMode.RGB, device=device)
    return decoded


def for_gpu(data: bytes, canvas: int) -> float | None:
    """The aspect, width over height, of a JPEG that a GPU may decode for a canvas; None for all other files."""
    if not data.endswith(END):
        return None
    header = plain_header(data, canvas, MOST_MEGAPIXELS)
    if header is None or header.mode != "RGB" or header.orientation != 1:
        return None
    if transform_of(header.profile, header.mode) is not None:
        return None
    width, height = header.size
    return width / height


def on_canvas(files: Sequence[Tensor], canvas: int, device: torch.device) -> Tensor:
    """JPEGs on device, whole, each resized to a square: uint8 [B, 3, canvas, canvas].

    Where the GPU refuses one, the CPU decodes all of them. UserError if it cannot either.
    """
    try:
        decoded = decode_all(files, device)
    except RuntimeError:
        return torch.stack([_by_cpu(file, canvas) for file in files]).to(device, non_blocking=True)
    resized = [
        F.interpolate(pixels[None].float(), (canvas, canvas), mode="bicubic", antialias=True) for pixels in decoded
    ]
    return torch.cat(resized).round_().clamp_(0, 255).to(torch.uint8)


def _by_cpu(file: Tensor, canvas: int) -> Tensor:
    try:
        image = decode_image(file.numpy().tobytes(), canvas)
    except ImageError as error:
        raise UserError(
            f"A JPEG can be decoded neither on the GPU nor on the CPU ({error}); --decode-on cpu names such images and "
            f"replaces them."
        ) from error
    return torch.from_numpy(preprocess_pixels(image.pixels, Preprocessing(canvas, "squash")).transpose(2, 0, 1))


def joined(files: Sequence[bytes]) -> tuple[Tensor, Tensor]:
    """The bytes of files as one tensor, which costs one piece of shared memory, and the length of each [B]."""
    held = torch.frombuffer(bytearray(b"".join(files) or b"\0"), dtype=torch.uint8)
    return held, torch.tensor([len(file) for file in files])


def cut(held: Tensor, lengths: Tensor) -> list[Tensor]:
    """What `joined` has joined, without empty files."""
    parts = held[: int(lengths.sum())].split(lengths.tolist())
    return [part for part in parts if len(part)]
