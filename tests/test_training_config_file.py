"""Settings from a file: what the command line would take, with the same checks and sentences; and a run's own again."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from safetensors.torch import load_file

from tests.samples import SMALL_TOWERS
from training.__main__ import cli
from training.models.tower_configs import TINY

SMALL = {"batch_size": 8, "steps": 2, "workers": 0, "tower": "tiny", "device": "cpu"}


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)


def ask(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def explained(*words: object) -> dict:
    result = ask(*words, "--explain", "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def written(folder: Path, text: str, name: str = "run.yaml") -> Path:
    (folder / name).write_text(text)
    return folder / name


FORMATS = {
    "run.yaml": "data: [{}]\nbatch-size: 16\nlr: 1e-3\nchannels_last: false\nprecision: amp_bf16\n",
    "run.toml": 'train_data = "{}"\nbatch_size = 16\nlearning_rate = 1e-3\nchannels_last = false\nprecision = "bf16"\n',
    "run.json": '{{"data": "{}", "batch_size": 16, "learning_rate": 0.001, "no_channels_last": true, '
    '"precision": "bf16", "steps": null}}',
}


@pytest.mark.parametrize("name", FORMATS)
def test_yaml_toml_and_json_say_the_same_and_the_command_line_overrides_them(captioned, tmp_path, name):
    file = written(tmp_path, FORMATS[name].format(captioned), name)
    found = explained("simclr", "--config", file, "--batch-size", 8, "--temperature", 0.2)
    assert found["data"]["data"] == [str(captioned)]
    run, origins = found["run"], found["origins"]
    assert (run["batch_size"], run["learning_rate"], run["channels_last"], run["precision"]) == (8, 1e-3, False, "bf16")
    assert [origins[n] for n in ("batch_size", "temperature")] == ["command line", "command line"]
    assert {origins[n] for n in ("data", "learning_rate", "channels_last", "precision")} == {f"file: {file}"}
    assert (origins["weight_decay"], origins["ema"], origins["tower"]) == ("paper", "default", "default")


@pytest.mark.parametrize(
    "text, says",
    [
        ("batch_sise: 8", "no setting 'batch_sise'. Did you mean batch_size?"),
        ("learning_rates: 8", "Did you mean learning_rate?"),
        ("xyzzy: 8", "no setting 'xyzzy'"),
        ("siglip: true", "SigLIP is a method: python -m training siglip"),
        ("dataset_type: webdataset", "found by its content"),
        ("steps: ten", "'ten' is not a valid integer"),
        ("precision: int8", "'int8' is not one of"),
        ("compile: 3", "compile is 3; it can be true or false"),
        ("steps: true", "steps is true; it takes a value"),
        ("steps: [1, 2]", "steps is a list; it takes one value"),
        ("optimizer: {name: sgd}", "optimizer is nested"),
        ("lr: 1\nlearning_rate: 2", "both lr and learning_rate"),
        ("lr: 1\nlr: 2", "lr is there twice"),
        ("method: clip", "python -m training clip --config"),
        ("- 3", "has no settings"),
        ("a: [", "cannot be read: while parsing"),
        ("explain: true", "no setting 'explain'"),
    ],
)
def test_what_a_file_cannot_say_is_answered_in_one_sentence_with_its_name(captioned, tmp_path, text, says):
    result = ask("simclr", "--data", captioned, "--config", written(tmp_path, text), "--explain")
    said = " ".join(result.stderr.split())
    assert result.exit_code in (1, 2) and says in said and "run.yaml" in said, result.output
    assert "Traceback" not in said


@pytest.mark.parametrize("name, says", [("run.ini", "none of the files"), ("none.yaml", "No such file")])
def test_a_file_that_is_not_there_or_of_another_kind_is_named(tmp_path, name, says):
    (tmp_path / "run.ini").write_text("[run]")
    result = ask("simclr", "--config", tmp_path / name)
    assert result.exit_code == 1 and says in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize("saved", ["run", "run/config.json"])
def test_the_saved_settings_of_a_run_repeat_it_and_take_changes(captioned, tmp_path, saved):
    words = [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", value)]
    first = ask("supervised", "--data", captioned, *words, "--out", tmp_path / "run", "--smoothing", 0.2)
    assert first.exit_code == 0, first.output
    document = json.loads((tmp_path / "run/config.json").read_text())
    everything = [name for part in ("data", "settings", "run") for name in document[part]]
    assert sorted(document["origins"]) == sorted(everything)
    assert (document["origins"]["classes"], document["origins"]["smoothing"]) == ("data", "command line")
    again = ask("supervised", "--config", tmp_path / saved, "--out", tmp_path / "again")
    assert again.exit_code == 0, again.output
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("run", "again"))
    assert all((one[name] == other[name]).all() for name in one)
    repeated = json.loads((tmp_path / "again/config.json").read_text())
    assert all(repeated[part] == document[part] for part in ("data", "settings", "run"))
    longer = explained("supervised", "--config", tmp_path / saved, "--epochs", 3)
    assert longer["run"]["steps"] == 15 and longer["origins"]["epochs"] == "command line"  # not the file's steps
