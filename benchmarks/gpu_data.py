"""Images that look as heavy as photographs to a decoder, made in seconds, as tar shards and as a folder."""

import io
import tarfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

SHARDS = 8
WORDS = ("red", "green", "blue", "small", "large", "old", "wooden", "cat", "dog", "ship", "tree", "house", "bird", "on")


def make_images(folder: Path, images: int, side: int) -> None:
    """images JPEGs with captions: folder/{00000..00007}.tar, and the same in folder/images/all."""
    (folder / "images/all").mkdir(parents=True)
    each = images // SHARDS
    with ProcessPoolExecutor() as pool:
        list(pool.map(_make_shard, [folder] * SHARDS, range(SHARDS), [each] * SHARDS, [side] * SHARDS))


def _make_shard(folder: Path, shard: int, images: int, side: int) -> None:
    rng = np.random.default_rng(shard)
    with tarfile.open(folder / f"{shard:05d}.tar", "w") as tar:
        for number in range(shard * images, (shard + 1) * images):
            data = _jpeg(rng, side)
            (folder / f"images/all/{number:06d}.jpg").write_bytes(data)
            caption = f"{' '.join(rng.choice(WORDS, 8))} {number}"
            for ending, content in (("jpg", data), ("txt", caption.encode())):
                member = tarfile.TarInfo(f"{number:06d}.{ending}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def _jpeg(rng: np.random.Generator, side: int) -> bytes:
    """Large shapes and fine texture: about 25 kB at 256 pixels, as img2dataset writes photographs."""
    rough = Image.fromarray(rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    fine = rng.normal(0, 12, (side, side, 1))
    image = Image.fromarray(np.clip(np.asarray(rough) + fine, 0, 255).astype(np.uint8))
    held = io.BytesIO()
    image.save(held, "JPEG", quality=88)
    return held.getvalue()
