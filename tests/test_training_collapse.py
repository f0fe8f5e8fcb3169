"""Each method without negatives has its known way to fail: one flag away, and a doctor who sees it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.test_training_methods import made, shrink
from training.data.batch import Batch
from training.data.keyed import Keyed
from training.engine.doctor import collapsed, diagnose

SIDE, BATCH, IMAGES = 32, 32, 256


@pytest.fixture(autouse=True)
def small_towers(monkeypatch):
    shrink(monkeypatch.setitem)


def batch(step: int) -> Batch:
    """Blobs of colour, the same IMAGES of them again and again."""
    samples = [(step * BATCH + i) % IMAGES for i in range(BATCH)]
    rough = np.stack([np.random.default_rng(i).random((3, 4, 4), np.float32) for i in samples])
    images = F.interpolate(torch.from_numpy(rough), size=SIDE, mode="bilinear").mul(255).byte()
    return Batch(images, [[]] * BATCH, torch.zeros(BATCH), Keyed(0, step, np.array(samples)), torch.ones(BATCH))


def trained(name: str, steps: int, **settings) -> list[dict]:
    """The lines that a run of some steps would leave."""
    method = made(name, **settings)
    optimizer = torch.optim.AdamW([p for p in method.parameters() if p.requires_grad], lr=3e-3)
    lines = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = method.loss(*method.augment(batch(step)))
        loss.backward()
        method.before_step(step / steps)
        optimizer.step()
        method.after_step((step + 1) / steps)
        if step % 4 == 3 or step > steps - 6:
            lines.append({"step": step + 1, "loss": loss.item(), **method.report()})
    return lines


def said(name: str, lines: list[dict], **settings) -> list[str]:
    return [str(finding) for finding in collapsed(lines, {"method": name, "settings": settings})]


@pytest.mark.parametrize(
    "name, steps, flag, says",
    [
        pytest.param("byol", 60, "predictor", "have become similar", marks=pytest.mark.slow),
        ("byol", 60, "stop_gradient", "have become similar"),
        ("swav", 24, "sinkhorn", "One of 6 clusters gets every image"),
        pytest.param("dino", 40, "centring", "One of 10 clusters gets every image", marks=pytest.mark.slow),
        pytest.param("dino", 24, "sharpening", "outputs are uniform", marks=pytest.mark.slow),
    ],
)
def test_without_what_keeps_it_up_a_method_collapses_and_the_doctor_says_why(name, steps, flag, says):
    freeze = {"freeze": 0.0} if name in ("swav", "dino") else {}
    found = said(name, trained(name, steps, **{flag: False}, **freeze), **{flag: False})
    assert any(says in text and f"--no-{flag.replace('_', '-')}" in text for text in found), found


@pytest.mark.slow
def test_byol_as_it_is_meant_does_not_collapse():
    assert not said("byol", trained("byol", 60))


def test_swav_as_it_is_meant_does_not_collapse():
    swav = trained("swav", 24, freeze=0.0)
    assert not said("swav", swav) and swav[-1]["usage"] > 0.9


@pytest.mark.parametrize("part", ["predictor", "stop_gradient", "sinkhorn", "centring", "sharpening"])
def test_the_doctor_reads_the_lines_of_a_run_and_names_the_part_that_it_lacks(tmp_path, part):
    import json

    lines = [
        {"step": s, "loss": 0.1, "learning_rate": 0.1, "usage": 1 / 6, "chance": np.log(6), "gradient_norm": 1.0}
        for s in range(1, 9)
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = {"log_every": 1, "batch_size": 8, "accumulate": 1, "learning_rate": 0.1, "workers": 0}
    document = {"method": "swav", "settings": {part: False, "prototypes": 6}, "run": run}
    found = [str(finding) for finding in diagnose(tmp_path / "metrics.jsonl", document)]
    assert any(f"--no-{part.replace('_', '-')};" in text for text in found)
