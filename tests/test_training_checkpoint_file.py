"""Files of weights as people have them: wrapped, of something else, damaged, or with code in them."""

import argparse
import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from training.models.checkpoint_file import misfit, readable, unwrapped, weights_in
from training.models.errors import UserError
from training.models.open_clip_names import find_source

STATE = {"visual.proj": torch.eye(3), "text.proj": torch.ones(3, 2), "logit_scale": torch.tensor(4.0)}


def behind(prefix: str) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in STATE.items()}


WRAPPED = {
    "as it is": STATE,
    "of open_clip_train": {"epoch": 3, "state_dict": behind("module."), "optimizer": {"state": {}}},
    "compiled": {"state_dict": behind("_orig_mod.")},
    "compiled and DDP": {"state_dict": behind("module._orig_mod.")},
    "below model": {"model": STATE},
    "an average alone": {"state_dict_ema": STATE},
    "weights before their average": {"model": STATE, "model_ema": {"visual.proj": torch.zeros(3, 3)}},
    "of Lightning": {"state_dict": behind("model."), "pytorch-lightning_version": "2"},
    "with other values": {**STATE, "epoch": 3},
}


@pytest.mark.parametrize("case", WRAPPED)
@pytest.mark.parametrize("ending", ["pt", "safetensors", "WEIGHTS"])
def test_a_state_dict_is_found_whatever_wraps_it_and_however_the_file_is_named(tmp_path, case, ending):
    path = tmp_path / f"file.{ending}"
    torch.save(WRAPPED[case], path)
    with readable(path) as plain:
        found = load_file(plain) if plain.suffix == ".safetensors" else unwrapped(weights_in(plain), plain)
        assert found.keys() == STATE.keys() and all(torch.equal(found[name], STATE[name]) for name in STATE)
        assert plain == path or plain.suffix == ".safetensors"  # what open_clip reads by its ending
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", ["safetensors", "SAFETENSORS", "bin"])
def test_safetensors_are_known_by_their_content(tmp_path, ending):
    path = tmp_path / f"file.{ending}"
    save_file(STATE, path)
    with readable(path) as plain:
        assert (plain == path) == (ending == "safetensors") and load_file(plain).keys() == STATE.keys()


class Code:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights.safetensors", b"x")


def cut(path: Path, save: Callable[[Path], object]) -> None:
    save(path)
    path.write_bytes(path.read_bytes()[:-40])


NO_WEIGHTS = {
    "code": (lambda path: torch.save({"state_dict": STATE, "x": Code()}, path), "would have to run and so is not read"),
    "a bare pickle": (lambda path: path.write_bytes(pickle.dumps(Code(), protocol=2)), "would have to run"),
    "settings": (lambda path: torch.save({"args": argparse.Namespace(a=1)}, path), r"\(argparse.Namespace\)"),
    "TorchScript": (lambda path: torch.jit.script(torch.nn.Linear(1, 1)).save(path), "is a TorchScript archive"),
    "a list": (lambda path: torch.save([1, 2], path), "holds a list without weights by name"),
    "nothing": (lambda path: path.write_bytes(b""), "is empty; copy it again"),
    "a page": (lambda path: path.write_text("<html>login"), "is a page or a text"),
    "a pointer": (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
    "a zip": (zipped, "is not a whole file of weights"),
    "half a pickle": (lambda path: cut(path, lambda path: torch.save(STATE, path)), "is not a whole file"),
    "half of safetensors": (lambda path: cut(path, lambda path: save_file(STATE, path)), "is not a whole file"),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of torch.jit
@pytest.mark.parametrize("case", NO_WEIGHTS)
def test_what_is_no_file_of_weights_is_said_and_nothing_in_it_runs(tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    save, sentence = NO_WEIGHTS[case]
    save(tmp_path / "file.safetensors")
    with pytest.raises(UserError, match=sentence) as caught, readable(tmp_path / "file.safetensors"):
        pass
    assert "\n" not in str(caught.value) and not Path("ran").exists()


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"conv1.weight": torch.ones(1)}, "of something else than A: 0 of its 3 tensors .* such as conv1.weight"),
        ({**STATE, "visual.proj": torch.ones(3, 9)}, r"another architecture than A: visual.proj is \[3, 9\]"),
        ({name: STATE[name] for name in ("visual.proj", "logit_scale")}, "lacks 1 of the 3 tensors of A, such as text"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, state, sentence):
    save_file(state, tmp_path / "x.safetensors")
    assert re.search(sentence, misfit(tmp_path / "x.safetensors", "A", STATE))


def test_a_folder_in_the_place_of_a_file_is_called_so(tmp_path):
    with pytest.raises(UserError, match="is a folder; name the file in it"):
        find_source(f"ViT-B-32/{tmp_path}")
