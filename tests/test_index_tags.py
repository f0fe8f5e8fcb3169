"""Tags stay with the collection and survive whatever happens to its segments."""

import pytest

from index.build import build_collection
from index.collection import Collection
from index.maintenance.undo import undo_last
from index.storage.annotations import ANNOTATIONS
from index.storage.json_files import TAGS_FILE
from index.storage.tags import read_tags, tag, tag_images
from tests.samples import paint
from training.models.errors import UserError


@pytest.fixture
def collection(squares, encoder, tmp_path) -> Collection:
    build_collection([squares], tmp_path / "c.gelato", encoder)
    return Collection.open(tmp_path / "c.gelato")


def test_a_tag_is_given_read_and_taken_away(collection):
    first, second = collection.items["id"][:2]
    tag(collection, [first, second], "  to   print ")
    tag(collection, [first], "beach")
    assert read_tags(collection.path) == {first: ["to print", "beach"], second: ["to print"]}
    tag(collection, [first], "to print", on=False)
    tag(collection, [second], "to print", on=False)
    assert read_tags(collection.path) == {first: ["beach"]}


def test_tagging_says_what_it_changed_and_only_the_action_that_is_meant_is_undone(collection):
    first, second, third = collection.items["id"][:3]
    tag(collection, [first], "a")
    done = tag_images(collection, [first, second, third, second], " a ")
    assert (done.name, done.changed) == ("a", 2)
    assert tag_images(collection, [first], "a").action is None  # nothing changed
    later = tag_images(collection, [third], "b")
    with pytest.raises(UserError, match="Something else was done meanwhile"):
        undo_last(collection.path, action_number=done.action)
    undo_last(collection.path, action_number=later.action)
    with pytest.raises(UserError, match="undone already"):
        undo_last(collection.path, action_number=later.action)
    undo_last(collection.path, action_number=done.action)
    assert read_tags(collection.path) == {first: ["a"]}


def test_tags_survive_a_move_of_the_image_and_a_build(collection, squares, encoder):
    id = collection.items["id"][collection.items["path"].str.endswith("red.png")].item()
    tag(collection, [id], "mine")
    (squares / "warm" / "red.png").rename(squares / "elsewhere.png")
    paint(squares / "new.png", "blue", (50, 50))
    build_collection([squares], collection.path, encoder)
    again = Collection.open(collection.path)
    assert again.items["path"][again.row(id)] == "elsewhere.png"
    assert read_tags(collection.path) == {id: ["mine"]}


def test_what_cannot_be_tagged_says_so(collection):
    with pytest.raises(UserError, match="1 to 64 characters"):
        tag(collection, [collection.items["id"][0]], "  ")
    with pytest.raises(UserError, match="not in the collection any more"):
        tag(collection, ["0123456789abcdef"], "x")
    assert read_tags(collection.path) == {}
    (collection.path / ANNOTATIONS).unlink()
    (collection.path / TAGS_FILE).write_text("[1]")
    with pytest.raises(UserError, match="does not hold tags"):
        read_tags(collection.path)
