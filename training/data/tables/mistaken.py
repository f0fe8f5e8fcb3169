"""What a file is that is called a table and is none: a spreadsheet, an archive, a database, JSON."""

import re

from training.data.tables.signatures import is_image_data
from training.data.texts import decode_text, printable_text
from training.models.errors import UserError

LOOKED_AT = 2000  # characters by which text is told from what is none
AS_CSV = "save its table as CSV, and name that file"
UNPACKED = "unpack it, and name what is inside"
BEGINNINGS = (  # each with what such a file is, and what to do with it
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a spreadsheet of an old Excel", AS_CSV),
    (b"\x1f\x8b", "compressed by gzip", UNPACKED),
    (b"BZh", "compressed by bzip2", UNPACKED),
    (b"\xfd7zXZ\0", "compressed by xz", UNPACKED),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", UNPACKED),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACKED),
    (b"Rar!\x1a\x07", "a RAR archive", UNPACKED),
    (b"SQLite format 3\0", "a database of SQLite", AS_CSV),
    (b"PAR1", "a parquet file", "give its name the ending .parquet"),
    (b"ARROW1", "a file of Arrow", "save it as parquet"),
    (b"FEA1", "a file of Feather", "save it as parquet"),
    (b"\x93NUMPY", "an array of NumPy", AS_CSV),
    (b"%PDF", "a PDF", AS_CSV),
)
WEB_PAGE = re.compile(r"\s*<(!doctype html|html|table|\?xml|head|body)\b", re.IGNORECASE)
JSON = re.compile(r'\s*(\[\s*)*\{\s*("|\})')


def refuse_other_kinds(table: object, data: bytes) -> None:
    """UserError if data, the content of table, is no text of a table."""
    found = what_else(data)
    if found is not None:
        raise UserError(f"{table} is {found[0]}, whatever its name says; {found[1]}.")


def what_else(data: bytes) -> tuple[str, str] | None:
    """What a file is that is no table of text, and what to do with it; None if it may be one."""
    if data.startswith(b"PK\x03\x04"):
        if b"xl/workbook" in data or b"opendocument.spreadsheet" in data[:200]:
            return "a spreadsheet", AS_CSV
        return "a zip archive", UNPACKED
    if data[257:262] == b"ustar":
        return "a tar archive", "give its name the ending .tar"
    for beginning, kind, remedy in BEGINNINGS:
        if data.startswith(beginning):
            return kind, remedy
    if is_image_data(data):
        return "an image", "name the folder it lies in"
    text = decode_text(data[: 4 * LOOKED_AT])[:LOOKED_AT].replace("\0", "").rstrip("\x1a")
    if WEB_PAGE.match(text):
        return "a web page or XML", AS_CSV
    if JSON.match(text):
        return "JSON", "save its table as CSV or parquet"
    return ("no text", f"if it is a table, {AS_CSV}") if len(printable_text(text)) * 10 < len(text) * 9 else None
