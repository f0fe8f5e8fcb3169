"""Claims: verdicts follow from intervals, runs are stored and never repeated, exact claims are exact."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import ttest_1samp

from training.__main__ import cli
from training.claims import CLAIMS, OPEN
from training.claims.claim import SEEDS, Arm, Claim, Effect, Part, Store, effects_of, verdict_of
from training.claims.page import title_of, write_page


def effect(values, smallest=0.1, exact=False) -> Effect:
    return Effect("something", tuple(values), smallest, exact)


def test_an_interval_is_students():
    values = np.random.default_rng(0).normal(0.3, 0.2, 5)
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert effect(values).interval == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0.3, 0.31, 0.29, 0.3, 0.3], "held"),
        ([0.05, 0.05, 0.06, 0.04, 0.05], "held in part"),  # there, and smaller than would be interesting
        ([0.01, -0.01, 0.02, 0.0, -0.02], "not seen"),
        ([-0.3, -0.31, -0.29, -0.3, -0.3], "opposite"),
        ([0.9, -0.9, 0.5, -0.3, 0.6], "undecided"),
    ],
)
def test_a_verdict_follows_from_the_interval_and_the_smallest_interesting_effect(values, verdict):
    assert effect(values).verdict == verdict


def test_a_claim_of_several_parts_is_held_only_if_all_are():
    yes, no, unclear = effect([0.3] * 5), effect([0.0] * 4 + [0.001]), effect([0.9, -0.9, 0.5, -0.3, 0.6])
    assert verdict_of([yes, yes]) == "held" and verdict_of([yes, no]) == "held in part"
    assert verdict_of([no, unclear]) == "undecided" and verdict_of([no, no]) == "not seen"


def test_an_identity_is_judged_by_its_largest_error():
    assert effect([1e-16, 2e-16], 1e-10, exact=True).verdict == "held"
    assert effect([1e-16, 2e-3], 1e-10, exact=True).verdict == "opposite"


def test_a_run_is_stored_and_not_done_twice(tmp_path):
    asked = []

    def run(seed: int, quick: bool) -> dict[str, float]:
        asked.append(seed)
        return {"points": seed / 10}

    claim = Claim(
        "It grows.", "here", "so", {"arm": Arm("a", run)}, (Part("p", lambda a: a["arm"]["points"], 0.1),), "yes"
    )
    store = Store(tmp_path)
    assert store.run(claim.arms["arm"], 1) and store.run(claim.arms["arm"], 3)
    assert not store.run(claim.arms["arm"], 1)
    assert asked == [1, 3]
    assert effects_of(claim, store, range(SEEDS))[0].values == (0.1, 0.3)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_says_where_it_comes_from_how_it_is_run_and_what_would_count(name):
    claim = CLAIMS[name]
    assert claim.says.endswith(".") and len(claim.design) > 100 and claim.source and claim.arms
    assert all(part.smallest >= 0 for part in claim.parts) and claim.parts
    assert "%" not in claim.found and not claim.found.endswith(".")


def test_exact_claims_hold_and_their_page_says_so(tmp_path):
    names = ["nt-xent-is-cross-entropy", "softmax-against-sigmoid"]
    arguments = ["claims", *names, "--out", str(tmp_path / "runs"), "--page", str(tmp_path / "claims.md"), "--json"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert {name: document[name]["verdict"] for name in names} == dict.fromkeys(names, "held")
    page = (tmp_path / "claims.md").read_text()
    assert "| [nt-xent-is-cross-entropy](#nt-xent-is-cross-entropy) | **held** |" in page
    assert "| byol-collapse | **open (0 of 5 seeds)** |" in page and OPEN[0] in page
    drawn = (tmp_path / "claims" / "softmax-against-sigmoid.svg").read_text()
    assert "With sigmoids each pair is independent" in drawn and drawn.count("<circle") == SEEDS + 1


def test_a_quick_look_gives_no_verdict_and_its_runs_are_never_taken_for_whole_ones(tmp_path):
    asked = ["claims", "temperature", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli, [*asked, "--quick"])
    assert done.exit_code == 0 and "temperature: no verdict (short runs of one seed)" in done.stdout
    again = CliRunner().invoke(cli, [*asked, "--minutes", "0"])
    assert "temperature: no verdict (0 of 5 seeds)" in again.stdout
    page = CliRunner().invoke(cli, [*asked, "--quick", "--page", str(tmp_path / "claims.md")])
    assert page.exit_code == 1 and "gives no verdicts for a page" in page.stderr


@pytest.mark.slow
def test_a_quick_look_at_every_claim_has_a_figure_for_each_of_its_parts_and_no_verdict(tmp_path):
    done = CliRunner().invoke(cli, ["claims", "--quick", "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert list(document) == list(CLAIMS)
    for name, found in document.items():
        assert found["verdict"] is None and found["seeds"] == 1
        assert len(found["effects"]) == len(CLAIMS[name].parts)
        assert all(math.isfinite(effect["mean"]) and effect["interval"] is None for effect in found["effects"])


def test_a_claim_that_does_not_exist_is_answered_by_the_nearest():
    done = CliRunner().invoke(cli, ["claims", "byol-colapse"])
    assert done.exit_code == 1 and "Did you mean 'byol-collapse'?" in done.stderr


def test_a_small_run_of_a_method_is_measured(tmp_path, monkeypatch):
    from training.claims import small_ssl

    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    monkeypatch.setattr(small_ssl, "SSL_SCENES", 1000)
    measured = small_ssl.ssl_run(0, True, "byol")
    assert 0 < measured["z spread"] < 2 and 0 <= measured["h: shape"] <= 1
    assert all(math.isfinite(value) for value in measured.values())


def test_a_page_without_runs_has_every_claim_as_open(tmp_path):
    verdicts = write_page(Store(tmp_path), tmp_path / "claims.md")
    assert set(verdicts) == set(CLAIMS) and all(verdict.startswith("open") for verdict in verdicts.values())


def test_a_claim_that_did_not_hold_is_titled_with_what_was_measured():
    claim = CLAIMS["incomplete-captions"]
    assert title_of(claim, [effect([0.3] * 5)] * 3) == claim.found
    assert "group score by 0.20" in title_of(claim, [effect([0.0] * 5), effect([0.2] * 5), effect([0.25] * 5)])
    assert title_of(replace(claim, instead=""), [effect([-0.01] * 5)]) == "something: -0.01"


def test_the_page_of_claims_says_what_is_stored(tmp_path):
    root = Path(__file__).parents[1]
    write_page(Store(root / "benchmarks" / "results" / "claims"), tmp_path / "claims.md")
    assert (root / "docs" / "claims.md").read_text() == (tmp_path / "claims.md").read_text(), (
        "stale; run python -m training claims --out benchmarks/results/claims --page docs/claims.md"
    )
    committed, drawn = (
        {path.name: path.read_text() for path in (folder / "claims").glob("*.svg")}
        for folder in (root / "docs", tmp_path)
    )
    assert committed == drawn
