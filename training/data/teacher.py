"""The embeddings of a teacher, by the paths of images: of a collection that `index build` made, or of a file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from training.models.encoders import load_encoder
from training.models.errors import UserError
from training.models.text_cache import embed_texts_cached

FILE_ARRAYS = ("paths", "images", "texts", "text_vectors", "scale")


class Teacher:
    """What a CLIP model says of images and texts.

    paths: of images, as their source lists them. images: unit rows [N, dim]. scale: of its logits. Texts are embedded
    by the encoder called `encoder`, or have been: texts and text_vectors, unit rows [M, dim].
    """

    def __init__(
        self,
        name: str,
        paths: Sequence[str],
        images: Sequence[NDArray[Any]],
        scale: float | None = None,
        encoder: str = "",
        texts: Sequence[str] = (),
        text_vectors: NDArray[Any] | None = None,
    ):
        self.name, self.parts, self.scale, self.encoder = name, list(images), scale, encoder
        self.starts = np.concatenate([[0], np.cumsum([len(part) for part in self.parts])])
        self.row_of = {path: row for row, path in enumerate(paths)}
        self.texts, self.text_vectors = {text: row for row, text in enumerate(texts)}, text_vectors
        if len(self.row_of) < len(paths):
            raise UserError(f"{name} has several images of one path; build a collection of the training data alone.")

    @classmethod
    def open(cls, path: Path) -> "Teacher":
        """Of a collection, or of a file .npz with the arrays FILE_ARRAYS. UserError for anything else."""
        try:
            return _of_file(path) if path.suffix == ".npz" else _of_collection(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path} has no embeddings of a teacher that can be read: it is neither a collection of python -m "
                f"index build, nor a file .npz with {', '.join(FILE_ARRAYS)}."
            ) from error

    def rows(self, paths: Sequence[str]) -> NDArray[np.int64]:
        """[N]: the rows of images. UserError if it lacks some of them."""
        missing = [path for path in paths if path not in self.row_of]
        if missing:
            raise UserError(
                f"{self.name} has no embedding of {len(missing):,} of {len(paths):,} images, such as {missing[0]}; add "
                f"them with python -m index build, of the same source as --data."
            )
        return np.array([self.row_of[path] for path in paths], np.int64)

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """[B, dim]: unit rows."""
        part = np.searchsorted(self.starts, rows, side="right") - 1
        found = [self.parts[p][row - self.starts[p]] for p, row in zip(part.tolist(), rows.tolist(), strict=True)]
        vectors = np.stack(found).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def embed_texts(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], float]:
        """Unit rows [M, dim] of texts, embedded once on this machine, and the scale of the teacher's logits."""
        if self.text_vectors is not None:
            missing = [text for text in texts if text not in self.texts]
            if missing:
                raise UserError(f"{self.name} has no embedding of {len(missing):,} captions, such as {missing[0]!r}.")
            return self.text_vectors[[self.texts[text] for text in texts]].astype(np.float32), self.scale or 100.0
        encoder = load_encoder(self.encoder)
        if not encoder.reads_text:
            raise UserError(f"{self.name} was made by {self.encoder}, which reads no text, so it cannot teach CLIP.")
        return embed_texts_cached(encoder, texts), self.scale or float(encoder.logit_scale)


def _of_file(path: Path) -> Teacher:
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in FILE_ARRAYS}
    texts, paths = arrays["texts"].tolist(), arrays["paths"].tolist()
    if len(paths) != len(arrays["images"]) or len(texts) != len(arrays["text_vectors"]):
        raise ValueError("names and vectors differ in number")
    scale = float(arrays["scale"])
    return Teacher(str(path), paths, [arrays["images"]], scale, "", texts, arrays["text_vectors"])


def _of_collection(path: Path) -> Teacher:
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    paths: list[str] = []
    parts: list[NDArray[Any]] = []
    for segment in manifest["segments"]:
        folder = path / str(manifest.get("home") or "") / "segments" / str(segment["name"])
        paths += pq.read_table(folder / "items.parquet", columns=["path"])["path"].to_pylist()
        parts.append(np.load(folder / "vectors.npy", mmap_mode="r"))
    return Teacher(str(path), paths, parts, encoder=str(manifest["encoder"]))
