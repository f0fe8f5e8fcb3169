"""Weights shared out among ranks learn what whole ones learn, and their checkpoints are everybody's."""

import os
import pickle
import shutil
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.ranks import on_ranks
from training.data.config import DataConfig
from training.engine import failures, saving
from training.engine.checkpoint import checkpoints
from training.engine.config import RunConfig
from training.engine.distributed import World
from training.engine.shard_files import read_index
from training.engine.sharded import check_fsdp_settings
from training.engine.trainer import Trainer
from training.models.errors import UserError
from training.models.tower_configs import TINY
from training.pretrain import begin, resume

SMALL = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 3, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 8, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}
RUN = {"batch_size": 8, "steps": 6, "workers": 0, "log_every": 1, "checkpoint_every": 2, "ema": 0.9, "keep": 9}
RUN |= {"clip_gradients": 0.5, "device": "cpu", "accumulate": 2}
RUN |= {"epsilon": 1e-3}  # or AdamW makes whole steps of gradients that are nothing but rounding
METHODS = {"clip": {}, "siglip": {}, "dino": {"outputs": 32, "small_crops": 0}, "mae": {}}


def main(rank: int) -> dict:
    """Each method whole and shared out; the share of the weights that this rank held. Or a cut run, gone on with."""
    folder = Path(os.environ["FOLDER"])
    TINY["tiny"] = SMALL
    failures.leave = lambda: None  # the ranks stay together from run to run
    write = saving.save_checkpoint
    saving.save_checkpoint = lambda *rest: (time.sleep(0.3), write(*rest))  # so that later steps are done meanwhile
    if "CUT" in os.environ:
        resume(folder / "cut", quiet=True)
        return {}
    held, count = {}, Trainer.__init__

    def counted(self, *arguments, **named):
        count(self, *arguments, **named)
        local = [getattr(p, "_local_tensor", p).numel() for p in self.method.parameters()]
        held[self.run.name] = sum(local) / sum(p.numel() for p in self.method.parameters())

    Trainer.__init__ = counted
    for method, settings in METHODS.items():
        data = DataConfig(data=(os.environ["DATA"],))
        for name, fsdp in (("whole", False), ("shared", True)):
            begin(folder / f"{method}-{name}", method, data, RUN | {"fsdp": fsdp}, settings, quiet=True)
    return held


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model.safetensors")


@pytest.fixture(scope="module")
def two_ranks(captioned, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    environment = {"DATA": str(captioned), "FOLDER": str(folder), "GELATO_CACHE": str(folder / "cache")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        held = on_ranks("tests.test_training_sharded", folder, seconds=900)
        yield folder, held


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_shared_run_is_the_whole_run_to_rounding(two_ranks, method):
    folder, held = two_ranks
    for of_rank in held:
        assert of_rank[f"{method}-whole"] == 1 and 0.4 < of_rank[f"{method}-shared"] < 0.6
    one, other = (weights(folder / f"{method}-{name}") for name in ("whole", "shared"))
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(other[name], tensor, rtol=1e-4, atol=1e-5, msg=name)
    last = [checkpoints(folder / f"{method}-{name}")[-1] for name in ("whole", "shared")]
    first, second = (torch.load(path / "optimizer.pt", weights_only=True) for path in last)
    assert first["param_groups"] == second["param_groups"] and not second["state"]
    moments = {f"optimizer.{number}.{name}" for number, of in first["state"].items() for name in of}
    stored = read_index(last[1]).state_dict_metadata
    assert {key for key in stored if key.startswith("optimizer.")} == moments
    assert {f"model.{key}" for key in load_file(last[0] / "model.safetensors")} == stored.keys() - moments - {
        key for key in stored if key.startswith("ema.")
    }
    assert len(list((last[1] / "shards").glob("*.distcp"))) == 2  # each rank has written its own


@pytest.mark.slow
def test_a_shared_run_goes_on_from_its_checkpoint_and_so_does_a_process_alone(two_ranks, captioned, monkeypatch):
    folder, _ = two_ranks
    for name in ("cut", "alone"):
        shutil.copytree(folder / "clip-shared", folder / name)
        for path in checkpoints(folder / name)[1:]:
            shutil.rmtree(path)
    monkeypatch.setenv("CUT", "1")
    monkeypatch.setitem(TINY, "tiny", SMALL)
    on_ranks("tests.test_training_sharded", folder)
    resume(folder / "alone", quiet=True)
    whole = weights(folder / "clip-shared")
    for name, tensor in weights(folder / "cut").items():
        assert torch.equal(tensor, whole[name]), name
    for name, tensor in weights(folder / "alone").items():
        torch.testing.assert_close(tensor, whole[name], rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.slow
def test_damaged_shards_are_passed_over_for_the_checkpoint_before(two_ranks, monkeypatch, capsys):
    folder, _ = two_ranks
    monkeypatch.setitem(TINY, "tiny", SMALL)
    shutil.copytree(folder / "clip-shared", folder / "damaged")
    last, before = reversed(checkpoints(folder / "damaged")[-2:])
    for file in (last / "shards").glob("*.distcp"):
        file.write_bytes(file.read_bytes()[:1000])
    resume(folder / "damaged", quiet=True)
    assert f"{last} cannot be read" in capsys.readouterr().err and before.is_dir()
    whole = weights(folder / "clip-shared")
    for name, tensor in weights(folder / "damaged").items():
        torch.testing.assert_close(tensor, whole[name], rtol=1e-4, atol=1e-5, msg=name)


def test_the_index_of_shards_cannot_run_code(tmp_path):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards/.metadata").write_bytes(pickle.dumps(os.getcwd))
    with pytest.raises(pickle.UnpicklingError, match="getcwd has no place in a checkpoint"):
        read_index(tmp_path)


@pytest.mark.parametrize(
    "of_run, reason",
    [
        ({"micro_batch": 4}, "needs DDP"),
        ({"precision": "f16"}, "use bf16"),
        ({"compile": True}, "not tested"),
        ({"optimizer": "lars"}, "adamw or sgd"),
    ],
)
def test_what_cannot_be_shared_out_is_refused_with_the_reason(of_run, reason):
    config = RunConfig(batch_size=8, fsdp=True, **of_run)
    with pytest.raises(UserError, match=reason):
        check_fsdp_settings(config, World(0, 2, torch.device("cpu")))
    with pytest.raises(UserError, match="there is only one rank"):
        check_fsdp_settings(RunConfig(fsdp=True), World(0, 1, torch.device("cpu")))
