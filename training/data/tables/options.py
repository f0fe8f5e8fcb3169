"""What a user may say about a table where looking at it is not enough."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from training.models.errors import UserError
from training.models.knobs import knob

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " ", "\\t": "\t"}


@dataclass(frozen=True)
class TableOptions:
    """How to read a table; None means that its content decides.

    path_column, caption_column: names of columns, or their numbers from 1 where a table has no header. separator: one
    character of CSV files, or its name: comma, semicolon, tab, pipe, space.
    """

    path_column: str | None = knob(
        None, "the column of the images' paths [default: by its content]", flags=("--csv-img-key",)
    )
    caption_column: str | None = knob(
        None, "the column of the captions [default: by its name]", flags=("--csv-caption-key",)
    )
    separator: str | None = knob(
        None, "what separates the cells of a CSV: ';', tab, ... [default: by its content]", flags=("--csv-separator",)
    )

    def __post_init__(self) -> None:
        if self.separator is not None and len(self.separator_character or "") != 1:
            raise UserError(
                f"The separator {self.separator!r} is not one character; write for example ';' or one of "
                f"{', '.join(name for name in SEPARATORS if name.isalpha())}."
            )

    def check_used(self, tables: bool) -> None:
        """UserError for an option of tables alone where there are none. tables: whether there are."""
        for name in ("path_column", "separator"):
            if getattr(self, name) is not None and not tables:
                raise UserError(f"--{name.replace('_', '-')} is about CSV and parquet files, and no source is one.")

    def as_template(self) -> list[str]:
        """The caption column as a caption template, for sources that are no tables."""
        return [f"{{{self.caption_column}}}"] if self.caption_column else []

    @property
    def separator_character(self) -> str | None:
        """The separator itself, whichever way it was given."""
        return None if self.separator is None else SEPARATORS.get(self.separator.lower(), self.separator)

    def over(self, remembered: Mapping[str, str]) -> "TableOptions":
        """These options, and where they say nothing, remembered ones."""
        known = {name: remembered.get(name) for name in self.as_dict(whole=True)}
        return TableOptions(**(known | self.as_dict()))

    def as_dict(self, whole: bool = False) -> dict[str, str]:
        """Those that say something; all of them if whole."""
        return {name: value for name, value in asdict(self).items() if whole or value is not None}
