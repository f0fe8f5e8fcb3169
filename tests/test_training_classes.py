"""Which class an image has, and how captions, prompts and evaluation say it."""

import json

import pytest

from tests.samples import noise_image
from training.data.config import DataConfig
from training.data.dataset import ImageDataset
from training.data.labels import ClassColumn, spoken
from training.evaluation.during_training import evaluator
from training.evaluation.features import list_source
from training.evaluation.run_defaults import class_depth_for
from training.pretrain import data_of

PLACES = ("animals/white_shark/day/0.png", "animals/cat/1.png", "things/red_chair/2.png", "things/3.png", "4.png")


@pytest.fixture
def nested(tmp_path):
    for number, place in enumerate(PLACES):
        (tmp_path / "nested" / place).parent.mkdir(parents=True, exist_ok=True)
        noise_image(number).save(tmp_path / "nested" / place)
    return tmp_path / "nested"


CLASSES = {
    0: ["animals/cat", "animals/white_shark/day", "things", "things/red_chair"],
    1: ["animals", "things"],
    2: ["animals/cat", "animals/white_shark", "things", "things/red_chair"],
}


@pytest.mark.parametrize("depth", CLASSES)
def test_nested_folders_count_as_folders_from_the_top(nested, depth):
    column = ClassColumn(None, depth)
    trained, evaluated = ImageDataset([str(nested)], 32, classes=column), list_source(str(nested), column)
    assert trained.classes == evaluated.classes == CLASSES[depth]
    assert trained.labels.tolist() == evaluated.labels.tolist()
    assert sorted(trained.labels.tolist())[0] == -1  # the image in no folder


def test_the_default_depth_is_that_of_torchvision(nested):
    from torchvision.datasets import ImageFolder

    (nested / "4.png").unlink()  # which torchvision has no class for
    expected = ImageFolder(str(nested))
    found = ImageDataset([str(nested)], 32)
    assert found.classes == expected.classes
    names = {f"{nested}/{found.item(n).path}": found.classes[found.labels[n]] for n in range(len(found))}
    assert names == {path: expected.classes[label] for path, label in expected.samples}


@pytest.mark.parametrize("depth, said", [(1, "animals"), (2, "white shark"), (0, "day")])
def test_captions_say_a_class_as_prompts_do(nested, depth, said):
    images = ImageDataset([str(nested)], 32, ["a photo of a {folder}"], True, ClassColumn(None, depth))
    number = next(n for n in range(len(images)) if "shark" in images.item(n).path)
    assert images.captions(number) == [f"a photo of a {said}"]
    assert spoken(images.classes[images.labels[number]]) == said


def test_a_column_that_is_named_holds_the_classes_and_others_keep_their_underscores(tmp_path):
    noise_image(0).save(tmp_path / "0.png")
    (tmp_path / "table.csv").write_text("path,species,code\n0.png,white_shark,a_1\n")
    images = ImageDataset([str(tmp_path / "table.csv")], 32, ["{species} {code}"], True, ClassColumn("species"))
    assert images.captions(0) == ["white shark a_1"] and images.classes == ["white_shark"]


def test_evaluation_takes_the_depth_of_its_run(nested, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.json").write_text(json.dumps({"data": {"class_depth": 2}}))
    assert [class_depth_for(str(tmp_path / name), None) for name in ("run", "no-run")] == [2, 1]
    assert class_depth_for(str(tmp_path / "run"), 0) == 0
    assert data_of({"data": {"data": [str(nested)]}}).class_depth == 0  # of a run before there was a choice
    assert evaluator(DataConfig(data=(str(nested),), class_depth=2)) is None
