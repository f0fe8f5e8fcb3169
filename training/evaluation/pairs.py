"""Reading of examples with two images and two captions.

Winoground's files are read if the user has them (its licence does not allow redistribution): the parquet files of the
data set, or a folder with examples.jsonl and images/. Other pairs: a CSV or TSV with the columns image_0, image_1,
caption_0, caption_1 and optionally tag, or a folder with name_0.jpg, name_0.txt, name_1.jpg, name_1.txt.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.folder import read_file
from training.models.decoding import decode_image
from training.models.encoder import BATCH, Encoder
from training.models.errors import UserError
from training.models.formats import IMAGES

COLUMNS = ("image_0", "image_1", "caption_0", "caption_1")
TAG_COLUMNS = ("collapsed_tag", "tag", "kind")  # the first that a table has


@dataclass(frozen=True)
class PairExample:
    """Two images and two captions; captions[i] belongs to images[i]. tag: the kind of example, or ""."""

    name: str
    images: tuple[Callable[[], Image.Image], Callable[[], Image.Image]]
    captions: tuple[str, str]
    tag: str = ""


class NoPairs(UserError):
    """The source is not a set of pairs, but for example a folder of images."""


def open_pairs(spec: str) -> list[PairExample]:
    """The examples of a source. NoPairs if it is not a set of pairs, UserError if it is broken."""
    path = Path(spec).expanduser()
    if not path.exists():
        raise NoPairs(f"There is nothing at {spec}; pairs are a parquet file, a CSV or TSV, or a folder of them.")
    if path.is_dir():
        found = _of_folder(path)
    elif path.suffix.lower() == ".parquet":
        found = list(_of_parquet(path))
    elif path.suffix.lower() in (".csv", ".tsv"):
        found = list(_of_table(path))
    else:
        raise NoPairs(f"{spec} is not a set of pairs: it must be a parquet file, a CSV or TSV, or a folder of them.")
    if not found:
        raise NoPairs(f"{spec} holds no pairs; a folder has name_0.jpg, name_0.txt, name_1.jpg and name_1.txt.")
    return found


def embed_pairs(encoder: Encoder, pairs: list[PairExample]) -> dict[str, NDArray[np.float32]]:
    """image_0, image_1, caption_0, caption_1, each [N, D], unit rows. UserError if an image cannot be read."""
    images: list[NDArray[np.float32]] = []
    for start in range(0, len(pairs), BATCH):
        here = pairs[start : start + BATCH]
        images.append(encoder.embed_images([open_() for example in here for open_ in example.images]))
    rows = np.concatenate(images)
    captions = encoder.embed_texts([caption for example in pairs for caption in example.captions])
    return {"image_0": rows[::2], "image_1": rows[1::2], "caption_0": captions[::2], "caption_1": captions[1::2]}


def load_features(path: Path) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Saved embeddings of pairs and their tags: a .npz with image_0, image_1, caption_0, caption_1, optionally tag."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as .npz: {str(error).splitlines()[0]}.") from error
    missing = [name for name in COLUMNS if name not in arrays]
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}; it has {', '.join(arrays) or 'nothing'}.")
    tags = [str(tag) for tag in arrays["tag"]] if "tag" in arrays else []
    return {name: arrays[name] for name in COLUMNS}, tags


def _of_folder(path: Path) -> list[PairExample]:
    if (path / "examples.jsonl").is_file():
        return list(_of_winoground_folder(path))
    tables = sorted(path.rglob("*.parquet"))  # Winoground's lie in data/
    if tables:
        return [example for table in tables for example in _of_parquet(table)]
    found = []
    for first in sorted(path.rglob("*_0.*")):
        stem, ending = first.stem[: -len("_0")], first.suffix
        second = first.with_name(f"{stem}_1{ending}")
        texts = [file.with_suffix(".txt") for file in (first, second)]
        if ending.lower() in IMAGES and second.is_file() and all(text.is_file() for text in texts):
            captions = [text.read_text(encoding="utf-8").strip() for text in texts]
            inside = first.parent.relative_to(path).as_posix()
            tag = "" if inside == "." else inside
            found.append(
                PairExample(stem, (partial(_file, first), partial(_file, second)), (captions[0], captions[1]), tag)
            )
    return found


def _of_winoground_folder(path: Path) -> Iterator[PairExample]:
    file = path / "examples.jsonl"
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = dict(json.loads(line))
        except (ValueError, TypeError) as error:
            raise UserError(f"Line {number} of {file} cannot be read: {error}.") from error
        _check(file, list(row))
        files = [_winoground_file(path / "images", str(row[f"image_{side}"])) for side in (0, 1)]
        yield _example(row, str(row.get("id", "")), (partial(_file, files[0]), partial(_file, files[1])))


def _winoground_file(folder: Path, name: str) -> Path:
    """examples.jsonl names images without suffix."""
    return folder / name if Path(name).suffix else folder / f"{name}.png"


def _of_parquet(path: Path) -> Iterator[PairExample]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} cannot be read as parquet: {str(error).splitlines()[0]}.") from error
    _check(path, file.schema_arrow.names)
    for batch in file.iter_batches(batch_size=64):
        for number, row in enumerate(batch.to_pylist()):
            images = (partial(_cell, row["image_0"], path.parent), partial(_cell, row["image_1"], path.parent))
            yield _example(row, str(row.get("id", number)), images)


def _of_table(path: Path) -> Iterator[PairExample]:
    import pandas as pd

    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        rows = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError) as error:
        raise UserError(f"{path} cannot be read as a table: {str(error).splitlines()[0]}.") from error
    _check(path, list(rows.columns))
    for number, row in enumerate(rows.to_dict("records")):
        first, second = (partial(_file, path.parent / row[f"image_{side}"]) for side in (0, 1))
        yield _example(row, str(row.get("id", number)), (first, second))


def _check(path: Path, columns: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        what = UserError if len(missing) < len(COLUMNS) else NoPairs
        raise what(
            f"{path} is not a table of pairs: it lacks {', '.join(missing)}; its columns are {', '.join(columns)}."
        )


def _example(
    row: Mapping[str, Any], name: str, images: tuple[Callable[[], Image.Image], Callable[[], Image.Image]]
) -> PairExample:
    tag = next((str(row[column]) for column in TAG_COLUMNS if row.get(column)), "")
    return PairExample(name, images, (str(row["caption_0"]), str(row["caption_1"])), tag)


def _file(path: Path) -> Image.Image:
    if path.suffix.lower() not in IMAGES:
        raise UserError(f"{path} does not have the suffix of an image.")
    try:
        return decode_image(read_file(path)).image
    except (UserError, OSError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


def _cell(value: bytes | str | Mapping[str, Any] | None, folder: Path) -> Image.Image:
    """An image in a parquet cell: bytes, a struct with bytes as Hugging Face writes it, or a path."""
    if isinstance(value, Mapping):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, str):
        return _file(folder / value)
    if not value:
        raise UserError("A row of the parquet file has no image.")
    return decode_image(value).image
