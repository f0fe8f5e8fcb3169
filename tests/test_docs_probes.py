"""docs/probes.md says what is stored, of the encoders as they are now."""

import json

import pytest

from benchmarks.probes import DATA, PAGE, STORED, page
from training.evaluation.controls import BagOfWords, Collapsed, RandomVectors
from training.evaluation.subject import Subject
from training.evaluation.suite import run_suite
from training.models.encoders import load_encoder


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORED.read_text())


def test_the_page_is_made_of_what_is_stored(stored):
    assert PAGE.read_text() == page(stored), "stale; run python benchmarks/probes.py"


def test_what_is_stored_is_of_starter_as_it_is(stored):
    assert stored["starter"]["fingerprint"] == load_encoder("starter").fingerprint, (
        "stale; run python benchmarks/probes.py starter"
    )


@pytest.mark.slow
@pytest.mark.parametrize("control", [Collapsed, RandomVectors, BagOfWords])
def test_probes_still_find_what_is_stored(control, stored):
    """On encoders without weights, so that whatever differs is the probe's doing or the generated images'."""
    names = "knn,zero-shot,retrieval,winoground,hard-negatives,association,order,detail,collapse"
    found = run_suite(Subject(control(), DATA), names).document()
    stale = [name for name in names.split(",") if not close(found[name], stored[control.name][name])]
    assert not stale, f"stale; run python benchmarks/probes.py starter '{control.name}'"


def close(one: dict, other: dict) -> bool:
    if "value" in one:
        return one["value"] == pytest.approx(other["value"], abs=0.02) and one["n"] == other["n"]
    return set(one) == set(other) and all(close(one[name], other[name]) for name in one)
