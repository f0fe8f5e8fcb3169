"""torch.compile takes the loss of each method as one graph: a break would cost a return to Python in every step."""

import pytest
import torch

from tests.test_training_methods import batch, made, shrink
from training.engine.prepare import LossModule
from training.methods import METHODS

EVERYDAY = "supervised"  # the quickest; the others take 10 s each


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name != EVERYDAY)) for name in METHODS]
)
def test_a_loss_compiles_to_one_graph(name, monkeypatch):
    shrink(monkeypatch.setitem)
    torch._dynamo.reset()
    method = made(name)
    explained = torch._dynamo.explain(LossModule(method))(*method.augment(batch()))
    assert [reason.reason for reason in explained.break_reasons] == []
    assert explained.graph_count == 1 and explained.graph_break_count == 0
