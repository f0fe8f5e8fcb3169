"""Distillation: its loss against loops, and a teacher from a collection or a file to a trained student."""

import json
import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner

from index.__main__ import cli as index
from tests.samples import noise_image
from training.__main__ import cli as training
from training.data.teacher import Teacher
from training.methods.clip import clip_loss
from training.methods.distillation import distillation_loss


def units(rows: int, dim: int, seed: int) -> torch.Tensor:
    return F.normalize(torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed)).double(), dim=1)


def one_direction(queries, candidates, scale, teacher_queries, teacher_candidates, teacher_scale) -> float:
    """The divergence as sums over single numbers."""
    total = 0.0
    for query, of_teacher in zip(queries.tolist(), teacher_queries.tolist(), strict=True):
        ours, theirs = (
            [math.exp(s * sum(a * b for a, b in zip(one, other, strict=True))) for other in others.tolist()]
            for one, others, s in ((query, candidates, scale), (of_teacher, teacher_candidates, teacher_scale))
        )
        for q, p in zip(ours, theirs, strict=True):
            total += p / sum(theirs) * math.log(p / sum(theirs) / (q / sum(ours)))
    return total / len(queries)


def test_the_loss_is_the_mean_divergence_of_both_directions():
    student, teacher = (units(6, 4, 0), units(6, 4, 1), 7.0), (units(6, 9, 2), units(6, 9, 3), 20.0)
    (a, b, s), (c, d, t) = student, teacher
    expected = (one_direction(a, b, s, c, d, t) + one_direction(b, a, s, d, c, t)) / 2
    assert distillation_loss(*student, *teacher).item() == pytest.approx(expected, rel=1e-9)


def test_a_student_that_agrees_with_its_teacher_has_loss_0_and_a_sure_teacher_gives_clips():
    image, text = units(5, 4, 0), units(5, 4, 1)
    assert distillation_loss(image, text, 10.0, image, text, 10.0).item() == pytest.approx(0, abs=1e-12)
    own = torch.eye(5).double()  # whose similarities are 1 for the pair and 0 for all others
    sure = distillation_loss(image, text, 10.0, own, own, 1e4).item()
    assert sure == pytest.approx(clip_loss(image, text, 10.0).item())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Captioned images, a run of CLIP that is the teacher, and a collection of the images by it."""
    folder = tmp_path_factory.mktemp("distillation")
    (folder / "images").mkdir()
    for number in range(12):
        noise_image(number, (40, 40)).save(folder / f"images/{number}.png")
        (folder / f"images/{number}.txt").write_text(f"image {number}\nanother view of {number}")
    data, teacher, made = (str(folder / name) for name in ("images", "teacher", "teacher.gelato"))
    small = ["--tower", "tiny", "--batch-size", "4", "--steps", "2", "--workers", "0", "--device", "cpu"]
    run(training, "clip", "--data", data, "--out", teacher, *small)
    run(index, "build", data, "--into", made, "--encoder", teacher)
    return folder, ["distillation", "--data", data, *small, "--json"]


def run(command, *words: str) -> str:
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_student_learns_the_same_from_a_collection_and_from_a_file_of_its_embeddings(place):
    folder, words = place
    known = Teacher.open(folder / "teacher.gelato")
    paths = [f"{number}.png" for number in range(12)]
    texts = [text for number in range(12) for text in (f"image {number}", f"another view of {number}")]
    images, (vectors, scale) = known.vectors(known.rows(paths)), known.embed_texts(texts)
    assert np.allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)
    np.savez(
        folder / "teacher.npz", paths=paths[::-1], images=images[::-1], texts=texts, text_vectors=vectors, scale=scale
    )
    losses = []
    for name in ("teacher.gelato", "teacher.npz"):
        out = folder / f"of-{name}"
        found = json.loads(run(training, *words, "--teacher", str(folder / name), "--out", str(out)))
        assert found["finished"] and 0 <= found["divergence"] < 10
        losses.append(found["loss"])
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_what_a_teacher_lacks_is_said(place, tmp_path):
    folder, words = place
    noise_image(99, (40, 40)).save(folder / "images/99.png")
    (folder / "images/99.txt").write_text("image 99")
    for teacher, said in (
        ([], "needs --teacher"),
        (["--teacher", str(folder / "teacher.gelato")], r"no embedding of 1 of 13 images, such as 99\.png"),
        (["--teacher", str(tmp_path)], "neither a collection"),
    ):
        done = CliRunner().invoke(training, [*words, *teacher, "--out", str(tmp_path / "run")])
        assert done.exit_code == 1 and re.search(said, done.output), done.output
