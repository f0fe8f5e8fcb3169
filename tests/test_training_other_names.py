"""Option names of other trainers: taken where they mean the same, else answered by a sentence that names ours."""

import click
import pytest
from click.testing import CliRunner

from training.__main__ import cli
from training.cli.methods import method_command
from training.cli.other_names import COMMANDS, INSTEAD, SAME, VALUES, translated

OWN = {"--data", "--learning-rate", "--precision", "--out", "--lock-image", "--device"}


@pytest.fixture(scope="module")
def options() -> set[str]:
    command = [method_command(name, "") for name in ("simclr", "clip", "distillation")]
    return {
        flag for one in command for parameter in one.params for flag in (*parameter.opts, *parameter.secondary_opts)
    }


def test_every_translation_leads_to_an_option_that_exists(options):
    assert set(SAME.values()) <= options
    assert set(VALUES) <= options
    assert not (SAME.keys() | INSTEAD.keys()) & options  # what is ours keeps its meaning
    named = {word for text in INSTEAD.values() for word in text.split() if word.startswith("--")}
    assert {word.rstrip(",;") for word in named} <= options | {"--nproc-per-node", "--nnodes"}


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        ("--lr 1e-3", "--learning-rate 1e-3"),
        ("--lr=1e-3", "--learning-rate=1e-3"),
        ("--train-data a.csv", "--data a.csv"),
        ("--train_data a.csv", "--data a.csv"),
        ("--lock_image", "--lock-image"),
        ("--precision amp_bf16", "--precision bf16"),
        ("--precision=fp32", "--precision=f32"),
        ("--precision bf16-mixed --data amp", "--precision bf16 --data amp"),
        ("--accelerator gpu", "--device cuda"),
        ("--data a=b", "--data a=b"),
        ("--unknown 1", "--unknown 1"),
        ("-h", "-h"),
    ],
)
def test_names_and_values_of_other_trainers_are_ours(given, ours):
    assert translated(given.split(), OWN) == ours.split()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--siglip", "python -m training siglip"),
        ("--resume latest", "python -m training resume"),
        ("--dataset-type webdataset", "found by its content"),
        ("--lr_scheduler const", "cosine"),
        ("data=photos", "write --data photos"),
        ("lr=1", "write --lr 1"),
    ],
)
def test_what_is_said_another_way_is_answered_by_a_sentence(given, said):
    with pytest.raises(click.UsageError, match=said):
        translated(given.split(), OWN)


def test_all_that_is_said_another_way_is_answered_at_once():
    with pytest.raises(click.UsageError) as error:
        translated(["--name", "a", "--data", "b", "--train-num-samples", "9", "--save-frequency", "1"], OWN)
    assert [line.split(":")[0].split()[-1] for line in error.value.message.splitlines()] == [
        "--name",
        "--train-num-samples",
        "--save-frequency",
    ]


@pytest.mark.parametrize(("given", "near"), [("simclar", "simclr"), ("resumee", "resume"), ("barlow", None)])
def test_a_misspelt_command_is_answered_by_the_nearest(given, near):
    result = CliRunner().invoke(cli, [given])
    said = f"There is no command {given}. {f'Did you mean {near}?' if near else 'The methods are clip,'}"
    assert result.exit_code == 2 and said in result.stderr


@pytest.mark.parametrize("given", ["train", "linear_probe", "list_models"])
def test_a_command_of_another_trainer_is_answered_by_ours(given):
    result = CliRunner().invoke(cli, [given, "data=photos"])
    assert result.exit_code == 2 and COMMANDS[given.replace("_", "-")] in result.stderr
    assert not COMMANDS.keys() & cli.list_commands(click.Context(cli))
