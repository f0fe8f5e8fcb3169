"""A collection in a vector database, as a search sees it."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from index.database.conditions import any_of, quoted
from index.database.connecting import FACTS, IMAGES, address_of, connect, first_line, read_facts
from index.database.tables import OURS, VECTOR
from training.models.encoder import Encoder
from training.models.errors import UserError


class Database:
    """The rows as they were when it was opened: later exports do not change what it finds."""

    def __init__(self, address: str, table: Any, facts: dict[str, Any]):
        self.path, self.table, self.facts = address, table, facts
        self.name, self.encoder_name = str(facts["name"]), str(facts["encoder"])
        self.fingerprint, self.dim, self.precision = str(facts["fingerprint"]), int(facts["dim"]), facts["precision"]

    @classmethod
    def open(cls, place: Path | str) -> "Database":
        """The database at a place. UserError if there is none."""
        address = address_of(place)
        try:
            database = connect(place)
            if not {FACTS, IMAGES} <= set(database.list_tables().tables):
                raise UserError(f"{address} holds no exported collection: index export DIR {address} --format lancedb.")
            table = database.open_table(IMAGES)
            table.checkout(table.version)
            return cls(address, table, read_facts(database))
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"The database {address} cannot be read: {first_line(error)}") from error

    @cached_property
    def total(self) -> int:
        return int(self.table.count_rows())

    def __len__(self) -> int:
        return self.total

    @cached_property
    def columns(self) -> list[str]:
        """The columns that the collection had."""
        return [name for name in self.table.schema.names if name not in OURS]

    @property
    def max_megapixels(self) -> float:
        """The limit under which its images were decoded."""
        from training.models.decoding import MOST_MEGAPIXELS  # a query of text alone needs no decoder

        return self.facts["max_megapixels"] or MOST_MEGAPIXELS

    def vector(self, id: str) -> NDArray[np.float32]:
        """[dim], unit length; KeyError if there is no such image."""
        found = self.rows(any_of("id", [id]), [VECTOR], 1)
        if not len(found):
            raise KeyError(id)
        return np.asarray(found[VECTOR][0].values, np.float32)

    def id_of_file(self, name: str) -> str | None:
        """The id of an image whose file has a name, without regard to case."""
        low = name.lower()
        found = self.rows(f"lower(path) = {quoted(low)} OR ends_with(lower(path), {quoted('/' + low)})", ["id"], 1)
        return str(found["id"][0]) if len(found) else None

    def rows(self, where: str, columns: list[str], most: int | None = None, offset: int = 0) -> pa.Table:
        """Some columns of the rows that meet a condition, at most so many, in the order of the table."""
        search = self.table.search().select(columns).limit(most).offset(offset).with_row_id(True)
        return (search.where(where) if where else search).to_arrow()

    def check_encoder(self, encoder: Encoder) -> None:
        """UserError unless encoder is the one that made these vectors."""
        if encoder.fingerprint != self.fingerprint:
            raise UserError(f"{self.path} was made with {self.encoder_name} and cannot be read with {encoder.name}.")
