"""One table says which endings are images, how they are read, and what is passed over."""

from pathlib import Path

import pytest

from training.models.formats import IMAGES, TABLE, VIDEOS, format_called, format_of, markdown, why_unsupported


def test_every_ending_belongs_to_one_format():
    endings = [ending for one in TABLE for ending in one.endings]
    assert len(endings) == len(set(endings))
    assert all(ending.startswith(".") and ending == ending.lower() for ending in endings)
    assert not set(IMAGES) & set(VIDEOS)


@pytest.mark.parametrize(
    "file, name",
    [
        ("IMG_0001.JPG", "JPEG"),
        ("a/b.c/IMG_0001.HeIc", "HEIC"),
        ("C:\\photos\\sunset.CR2", "RAW"),
        ("clip.MOV", "video"),
        ("two.dots.tar.png", "PNG"),
        ("layers.xcf", "GIMP"),
        ("notes.txt", None),
        ("png", None),
        (".png", None),
        ("folder.jpg/notes", None),
    ],
)
def test_the_ending_says_which_files_to_look_at(file, name):
    found = format_of(file)
    assert (found and found.name) == name


def test_what_is_passed_over_has_a_reason_that_names_what_would_read_it(monkeypatch):
    assert why_unsupported(format_called("JPEG")) == ""
    assert "video" in why_unsupported(format_called("video"))
    assert "GIMP" in why_unsupported(format_called("GIMP"))
    monkeypatch.setattr("training.models.formats.find_spec", lambda module: None)
    assert "pip install -r requirements-formats.txt" in why_unsupported(format_called("JPEG XL"))


def test_the_readme_has_the_table_of_formats():
    text = (Path(__file__).parent.parent / "README.md").read_text()
    table = text.partition("<!-- formats: made by training/models/formats.py -->\n")[2].partition(
        "<!-- end of formats"
    )[0]
    assert table == markdown(), "run: python -m training.models.formats, and put its output into README.md"
