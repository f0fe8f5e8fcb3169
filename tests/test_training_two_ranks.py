"""What several ranks do together besides training: indexing, evaluation and checkpoints."""

import os
from pathlib import Path

import pytest
import torch

from tests.ranks import on_ranks
from tests.samples import SMALL_TOWERS
from training.data import pipeline
from training.data.config import DataConfig
from training.engine import failures
from training.engine.log import read_metrics
from training.evaluation import features
from training.evaluation.during_training import evaluator
from training.models import ranks
from training.models.tower_configs import TINY
from training.pretrain import begin

RUN = {"batch_size": 8, "steps": 2, "workers": 0, "log_every": 1, "evaluate_every": 1, "device": "cpu"}
RUN |= {"epsilon": 1e-3}


def data() -> DataConfig:
    folder = os.environ["GELATO_TEST_DATA"]
    return DataConfig(data=(folder,), evaluate=(folder,), cache=0)


def main(rank: int) -> dict:
    """How many images this rank embeds in evaluations, and what the first rank of a machine does before the other."""
    TINY["tiny"] = SMALL_TOWERS
    failures.leave = lambda: None
    embedded, stream = [], pipeline.embed_stream

    def counted(inputs, *rest, **named):
        embedded.append(len(inputs))
        return stream(inputs, *rest, **named)

    features.embed_stream = counted
    order = Path(os.environ["GELATO_TEST_OUT"]) / "order.txt"
    begin(Path(os.environ["GELATO_TEST_OUT"]) / "shared", "clip", data(), RUN, {}, evaluator(data()), quiet=True)
    with ranks.one_first(), order.open("a") as file:
        file.write(f"{rank}")
    return {"embedded": torch.tensor(embedded)}


def test_ranks_share_an_evaluation_and_one_prepares_what_all_read(captioned, tmp_path, monkeypatch):
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)
    for name, value in {"DATA": captioned, "OUT": tmp_path}.items():
        monkeypatch.setenv(f"GELATO_TEST_{name}", str(value))
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    one, other = on_ranks("tests.test_training_two_ranks", tmp_path)
    assert one["embedded"].tolist() == other["embedded"].tolist() == [20, 20]  # of 40 images, after each step
    assert (tmp_path / "order.txt").read_text() == "01"
    begin(tmp_path / "alone", "clip", data(), RUN, {}, evaluator(data()), quiet=True)
    figures = [
        [line["evaluation"] for line in read_metrics(tmp_path / name / "metrics.jsonl") if "evaluation" in line]
        for name in ("shared", "alone")
    ]
    assert len(figures[0]) == 2
    for shared, alone in zip(*figures, strict=True):
        (found,), (expected,) = shared.values(), alone.values()
        assert found.keys() == expected.keys() == {"zero-shot", "retrieval", "knn"}
        for probe in found:
            for name, figure in named(found[probe]).items():
                assert figure["n"] == named(expected[probe])[name]["n"]
                assert figure["value"] == pytest.approx(named(expected[probe])[name]["value"], abs=0.06), (probe, name)


def named(figures: dict) -> dict:
    return {"": figures} if "value" in figures else figures
