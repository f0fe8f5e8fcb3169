"""What the two revisions call options, fields and functions, for benchmarks/parity: adjust the names here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class FieldNames:
    """What a revision calls options, fields and functions. None: it has no such thing."""

    # Command line, index search and index label.
    cli_order: str | None
    cli_threshold: str | None
    cli_filter: Callable[[Mapping[str, Any]], list[str] | None] | None
    cli_without_text: bool  # whether a search without text or image lists what passes the filters
    cli_many_images: bool  # whether --like may be given several times, and with a minus before the id
    cli_any: list[str] | None
    cli_likely: str | None  # likely results only
    # REST and gradio_client: parameters.
    image: str
    images_path: str
    order: str
    where: str
    filters: Callable[[Sequence[Mapping[str, Any]]], dict[str, Any] | None] | None
    threshold: str | None
    likely: str | None
    any_of: dict[str, Any] | None
    class_list: Callable[[Mapping[str, tuple[str, ...]]], list[Any]]
    own_templates: Callable[[tuple[str, ...]], Any] | None
    # The page: its search function by elem_id and name, fields of a search, and elem_ids of the Classify form.
    page_search: tuple[str, str]
    page_images: str
    page_image: str
    page_where: str
    page_filters: str
    page_order: str
    page_threshold: str
    page_likely: str | None
    page_form: dict[str, str]
    page_examples: dict[str, tuple[str, str, str]]  # elem_id, function and field of the number
    page_own_templates: str  # value of the form's templates that a person wrote
    page_calibrated: tuple[str, str]  # values of the form's probabilities: calibrated, and as the encoder has them
    # Responses of every door.
    normalised: str
    threshold_answer: str
    threshold_value: str


def lines_of(classes: Mapping[str, tuple[str, ...]]) -> list[str]:
    """A class a line: name, or name: synonym, synonym."""
    return [f"{name}: {', '.join(synonyms)}" if synonyms else name for name, synonyms in classes.items()]


def objects_of(classes: Mapping[str, tuple[str, ...]]) -> list[Any]:
    """A name as it is, or an object with all of its texts."""
    return [{"name": name, "texts": [name, *synonyms]} if synonyms else name for name, synonyms in classes.items()]


def filter_options(one: Mapping[str, Any]) -> list[str] | None:
    """--tag NAME or --filter COLUMN=VALUE, once a value; None for limits and parts of a text."""
    if "values" not in one:
        return None
    if one["column"] == "tags":
        return [word for value in one["values"] for word in ("--tag", value)]
    return [word for value in one["values"] for word in ("--filter", f"{one['column']}={value}")]


def facet_texts(filters: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Filters as COLUMN=VALUE, once a value; None for limits and parts of a text."""
    if any("values" not in one for one in filters):
        return None
    return {"facets": [f"{one['column']}={value}" for one in filters for value in one["values"]]}


OLD = FieldNames(
    cli_order=None,
    cli_threshold=None,
    cli_filter=None,
    cli_without_text=False,
    cli_many_images=False,
    cli_any=None,
    cli_likely=None,
    image="picture",
    images_path="pictures",
    order="sort",
    where="where",
    filters=None,
    threshold=None,
    likely=None,
    any_of=None,
    class_list=lines_of,
    own_templates=None,
    page_search=("search", "find"),
    page_images="pictures",
    page_image="picture",
    page_where="where",
    page_filters="filters",
    page_order="sort",
    page_threshold="line",
    page_likely=None,
    page_form={
        "classes": "classes",
        "templates": "templates",
        "own": "own",
        "mode": "mode",
        "none": "none",
        "probabilities": "sureness",
    },
    page_examples={"pair": ("probe", "bundled", "i")},
    page_own_templates="own",
    page_calibrated=("calibrated", "own"),
    normalised="strength",
    threshold_answer="line",
    threshold_value="at",
)
NEW = replace(
    OLD,
    cli_order="--order",
    cli_threshold="--threshold",
    cli_filter=filter_options,
    cli_without_text=True,
    cli_many_images=True,
    cli_any=["--any"],
    cli_likely="--likely",
    image="image",
    images_path="images",
    order="order",
    where="filter",
    filters=facet_texts,
    threshold="threshold",
    likely="likely",
    any_of={"mode": "any"},
    class_list=objects_of,
    page_images="image",
    page_image="image",
    page_where="filter",
    page_filters="facets",
    page_order="order",
    page_threshold="threshold",
    page_likely="likely",
    page_form={**OLD.page_form, "own": "custom-templates", "probabilities": "calibration"},
    page_own_templates="custom",
    page_examples={"pair": ("probe", "generated", "i")},
    page_calibrated=("calibrated", "uncalibrated"),
    normalised="normalised_score",
    threshold_answer="threshold",
    threshold_value="value",
)


def field_names_of(checkout: Path) -> FieldNames:
    """NEW where the tabs have folders of their own, else OLD."""
    return NEW if (checkout / "app/tabs").is_dir() else OLD
