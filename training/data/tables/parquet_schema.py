"""Which part of a parquet file's rows is an image, by what Hugging Face wrote about it and by its content."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from training.data.tables.signatures import is_image_data

Features: TypeAlias = Mapping[str, Any]  # Hugging Face's description of columns, by name
LIST = None  # a step into each element of a list
Step: TypeAlias = str | None
SAMPLE = 8  # values that show what a column holds
LONGEST_SEARCH = 4096  # rows in which a value is looked for
BUFFER = 1 << 16  # bytes that are read at a time, so that a look at a column does not read all of it
USUAL_NAMES = ("image", "img", "jpg", "jpeg", "png", "webp", "picture", "photo", "pixel_values", "bytes")


@dataclass(frozen=True)
class ImageColumn:
    """Where the bytes of images are in a row.

    steps: names of fields, from the column on, and LIST where each element of a list is an image. leaf: the same as
    parquet calls it. path_steps, path_leaf: where a path stands beside the bytes, which may be what there is instead.
    """

    steps: tuple[Step, ...]
    leaf: str
    path_steps: tuple[Step, ...] = ()
    path_leaf: str = ""

    @property
    def column(self) -> str:
        """The name of the column of the table."""
        return str(self.steps[0])

    @property
    def label(self) -> str:
        """How a sentence names it."""
        return ".".join(step for step in self.steps if step)

    @property
    def is_list(self) -> bool:
        """Whether a row may have several images."""
        return LIST in self.steps


def huggingface_features(schema: pa.Schema) -> Features:
    """What the library datasets wrote of the columns, empty if it did not."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return features if isinstance(features, dict) else {}


def class_names(feature: object) -> list[str] | None:
    """The names of classes of a feature that is a ClassLabel, or a list of them; else None."""
    if isinstance(feature, list) and len(feature) == 1:
        return class_names(feature[0])
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") == "ClassLabel":
        names = feature.get("names")
        return [str(name) for name in names] if isinstance(names, list) else None
    return class_names(feature.get("feature"))


def is_image_feature(feature: object) -> bool:
    """Whether a feature is an image, or a list of them."""
    if isinstance(feature, list) and len(feature) == 1:
        return is_image_feature(feature[0])
    if not isinstance(feature, dict):
        return False
    return feature.get("_type") == "Image" or is_image_feature(feature.get("feature"))


def image_columns(parquet: pq.ParquetFile, schema: pa.Schema) -> tuple[list[ImageColumn], list[ImageColumn]]:
    """The columns that hold images, the likeliest first, and the other columns of bytes.

    Those that Hugging Face's schema calls images come first, then those whose first values begin as an image file does.
    """
    features = huggingface_features(schema)
    candidates = [found for field in schema for found in _bytes_in(field.type, (field.name,), field.name)]
    declared = [one for one in candidates if is_image_feature(features.get(one.column))]
    rest = [one for one in candidates if one not in declared]
    # What is declared need not be looked at: an image that is broken is found when it is read.
    holding = [one for one in rest if not declared and _holds_images(parquet, one)]
    holding.sort(key=lambda one: _rank(one.column))
    return declared + holding, [one for one in rest if one not in holding]


def value_at(row: object, steps: Sequence[Step]) -> list[Any]:
    """What lies at steps in a row: one value, or, where they lead through a list, one for each of its elements."""
    values: list[Any] = [row]
    for step in steps:
        if step is LIST:
            values = [element for value in values for element in value or ()]
        else:
            values = [None if value is None else value.get(step) for value in values]
    return values


def _rank(name: str) -> int:
    low = name.lower()
    return USUAL_NAMES.index(low) if low in USUAL_NAMES else len(USUAL_NAMES)


def _bytes_in(kind: pa.DataType, steps: tuple[Step, ...], leaf: str) -> Iterator[ImageColumn]:
    """The places of bytes in a column of this type. leaf: the column as parquet calls it so far."""
    kind = value_type(kind)
    if is_binary(kind) or _is_numbers(kind):
        yield ImageColumn(steps, leaf if not _is_numbers(kind) else f"{leaf}.list.{_element(kind)}")
    elif pa.types.is_struct(kind):
        names = {field.name: field for field in kind}
        beside = next((n for n in ("path", "file_name", "filename") if n in names and holds_text(names[n].type)), None)
        for field in kind:
            if field.name == "bytes" and beside is not None and pa.types.is_null(field.type):  # there are paths alone
                yield ImageColumn((*steps, "bytes"), f"{leaf}.bytes", (*steps, beside), f"{leaf}.{beside}")
            for found in _bytes_in(field.type, (*steps, field.name), f"{leaf}.{field.name}"):
                if field.name == "bytes" and beside is not None and found.steps == (*steps, "bytes"):
                    yield ImageColumn(found.steps, found.leaf, (*steps, beside), f"{leaf}.{beside}")
                else:
                    yield found
    elif _is_list(kind) and LIST not in steps:
        yield from _bytes_in(kind.value_type, (*steps, LIST), f"{leaf}.list.{_element(kind)}")


def _holds_images(parquet: pq.ParquetFile, place: ImageColumn) -> bool:
    """Whether the first values there are image files. One with paths beside it and no bytes at all counts too."""
    seen, searched = [], 0
    for batch in parquet.iter_batches(64, columns=[place.leaf]):
        for row in batch.to_pylist():
            seen += [bytes_of(value) for value in value_at(row, place.steps) if value]
        searched += len(batch)
        if len(seen) >= SAMPLE or searched >= LONGEST_SEARCH:
            break
    found = [value for value in seen[:SAMPLE] if value is not None]
    if not found:
        return bool(place.path_steps)
    return sum(map(is_image_data, found)) * 2 > len(found)


def bytes_of(value: object) -> bytes | None:
    """The bytes of a value, which may be a list of numbers from 0 to 255; None if it is neither."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, list):
        try:
            return bytes(value)
        except (TypeError, ValueError):
            return None
    return None


def value_type(kind: pa.DataType) -> pa.DataType:
    """The type of a column's cells, whether or not each distinct one is stored once."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def is_binary(kind: pa.DataType) -> bool:
    """Whether cells of a type are bytes."""
    checks = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
    return any(check(kind) for check in checks)


def holds_text(kind: pa.DataType) -> bool:
    """Whether cells of a type are texts."""
    kind = value_type(kind)
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_list(kind: pa.DataType) -> bool:
    checks = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(check(kind) for check in checks)


def _is_numbers(kind: pa.DataType) -> bool:
    return _is_list(kind) and pa.types.is_uint8(kind.value_type)


def _element(kind: pa.DataType) -> str:
    """What parquet calls the elements of a list: that is how its arrow field is called."""
    return str(kind.value_field.name)
