"""Two ranks hold the same bits after an overflow on one of them, in every combination of settings."""

import os
from functools import partial
from itertools import product

import pytest
import torch

from tests.ranks import on_ranks
from tests.samples import SMALL_TOWERS
from training.data.config import DataConfig
from training.data.loader import Batches
from training.engine import failures
from training.engine.trainer import Trainer
from training.models.tower_configs import TINY
from training.pretrain import begin

STEPS, BROKEN = 20, 7
RUN = {"batch_size": 16, "steps": STEPS, "workers": 0, "log_every": 5, "device": "cpu", "on_nan": "skip"}
RUN |= {"epsilon": 1e-3}
SETTINGS = ("precision", "micro_batch", "accumulate", "ema", "fsdp", "compile")
ALL = product(("f32", "bf16", "f16"), (0, 4), (1, 2), (0.0, 0.9), (False, True), (False, True))
CASES = [  # --fsdp refuses the others; compiling takes long, and averages and EMA are outside of what is compiled
    case
    for case in ALL
    if not (case[4] and (case[0] == "f16" or case[1] or case[5])) and not (case[5] and (case[2] > 1 or case[3]))
]
NAMES = {" ".join(f"{name}={value}" for name, value in zip(SETTINGS, case, strict=True)): case for case in CASES}


def main(rank: int) -> dict:
    """The weights and the EMA of each run, and whether an overflow left a step out."""
    TINY["tiny"] = SMALL_TOWERS
    failures.leave = lambda: None  # the ranks stay together from run to run
    make = Batches.__getitem__

    def overflowing(self, batch):
        loaded = make(self, batch)
        if rank == 1 and batch == BROKEN:
            loaded.arguments[0][0] = 3e38
        return loaded

    Batches.__getitem__ = overflowing  # type: ignore[method-assign]
    data = DataConfig(data=(os.environ["GELATO_TEST_RANKS"],), tower="tiny")
    chosen = os.environ["GELATO_TEST_COMPILE"] == "1"
    # The graphs, forward and backward, without the C++ of each, which takes both ranks minutes and is the same on both.
    torch.compile = partial(torch.compile, backend="aot_eager")
    return {
        name: state(begin(None, "clip", data, RUN | dict(zip(SETTINGS, case, strict=True)), {}, quiet=True))
        for name, case in NAMES.items()
        if case[5] == chosen
    }


def state(trainer: Trainer) -> dict[str, torch.Tensor]:
    """All that the ranks must agree on; of sharded weights, the whole."""
    modules = [trainer.method, *([trainer.ema] if trainer.ema is not None else [])]
    values = [value for module in modules for value in module.state_dict().values()]
    values = [value.full_tensor() if hasattr(value, "full_tensor") else value for value in values]
    weights = torch.cat([value.detach().double().flatten() for value in values])
    return {"weights": weights, "left_out": torch.tensor(trainer.recovery.left_out), "step": torch.tensor(trainer.step)}


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "compiled"])
def two_ranks(request, captioned, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GELATO_TEST_RANKS", str(captioned))
        patch.setenv("GELATO_TEST_COMPILE", str(int(request.param)))
        patch.setenv("GELATO_CACHE", str(folder / "cache"))
        return request.param, on_ranks("tests.test_training_ranks_agree", folder, seconds=3000)


@pytest.mark.slow
def test_ranks_agree_to_the_bit_after_an_overflow_on_one(two_ranks):
    compiled, (one, other) = two_ranks
    assert len(one) == sum(case[5] == compiled for case in CASES)
    for name in one:
        assert int(one[name]["step"]) == STEPS and int(one[name]["left_out"]) == 1, name
        assert torch.isfinite(one[name]["weights"]).all(), name
        assert torch.equal(one[name]["weights"], other[name]["weights"]), name
