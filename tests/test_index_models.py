"""The command models: listing, fetching and removing, and what re-embedding is expected to take."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from index.__main__ import cli
from tests.hub_server import imitated_hub
from tests.samples import ColourEncoder
from training.models import estimates
from training.models.catalogue import catalogue, catalogue_model
from training.models.errors import UserError
from training.models.estimates import estimate, measure, recommended, record_speed
from training.models.zoo import zoo

NAME, REPOSITORY = "ViT-B-32-256/datacomp_s34b_b86k", "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K"
WEIGHTS = "open_clip_model.safetensors"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(estimates, "gigaflops", lambda: 300.0)
    with imitated_hub({REPOSITORY: {WEIGHTS: bytes(range(256)) * 40}}, tmp_path) as hub:
        yield hub


def run(*arguments: str):
    return CliRunner().invoke(cli, ["models", *arguments])


def test_the_list_says_for_each_model_its_licence_size_and_what_it_takes_here(hub):
    document = json.loads(run("--json", "--images", "2300").stdout)
    rows = {row["name"]: row for row in document["models"]}
    assert list(rows) == [model.name for model in catalogue()]
    row = rows[NAME]
    assert row["on_this_machine"]["state"] == "absent" and not row["measured"]
    assert row["seconds"] == pytest.approx(2300 / row["images_per_second"], rel=0.01)
    assert [file["path"] for file in row["on_this_machine"]["files"]] == [WEIGHTS]
    offer = catalogue_model(document["recommended"])
    assert offer is not None and offer.commercial
    assert [row["name"] for row in document["zoo"]] == [model.encoder for model in zoo()]
    assert document["zoo"][0]["figures"]["knn/shape"]["n"] == 1000
    text = run().stdout
    assert all(f"{model.name} " in text for model in catalogue())
    assert all(f"{model.encoder} " in text and model.idea in text for model in zoo())
    assert text.count("not for commercial use") == sum(not model.commercial for model in catalogue())


def test_get_says_the_licence_first_and_remove_gives_the_space_back(hub):
    got = run("get", NAME, "--json")
    assert got.exit_code == 0 and json.loads(got.stdout)["state"] == "ready"
    assert got.stderr.splitlines()[0].startswith(f"{NAME}: licence MIT, commercial use is allowed")
    assert f"{NAME:46} small        yes" in run().stdout
    removed = json.loads(run("remove", NAME, "--json").stdout)
    assert removed["freed"] >= 10_240
    refused = run("get", "ViT-B-16-quickgelu/dfn2b")
    assert refused.exit_code == 1 and "--accept-licence" in refused.stderr


def test_without_network_the_list_and_get_say_what_to_copy_from_another_machine(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "cannot be reached from here" in run().stdout
    got = run("get", NAME)
    lines = got.stderr.splitlines()
    assert got.exit_code == 1 and "the model hub cannot be reached" in lines[-1]
    assert "models get" not in lines[-1], "what to copy has just been said"
    assert any(line.startswith(f"from https://huggingface.co/{REPOSITORY}") for line in lines)
    assert any(WEIGHTS in line for line in lines) and f"then: python -m index models get {NAME}" in lines
    empty = run("get", NAME, "--from", str(tmp_path))
    assert empty.exit_code == 1 and f"{tmp_path} lacks {WEIGHTS}" in empty.stderr


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("vit-b-32-256/DATACOMP_s34b_b86k", f"Did you mean {NAME}?"),
        (NAME.replace("/", " / "), f"Did you mean {NAME}?"),
        ("https://huggingface.co/laion/some-CLIP/tree/main", "Did you mean hf-hub:laion/some-CLIP?"),
        ("ViT-B-32-256", f"such as {NAME}"),
        ("startr", "Did you mean starter?"),
        ("", "The name of the encoder is empty"),
        ("hf-hub:", "'' is not the name of a repository"),
        ("hf-hub:a b/c", "'a b/c' is not the name of a repository"),
        ("hf-hub:../../etc", "'../../etc' is not the name of a repository"),
    ],
)
def test_a_name_that_leads_nowhere_is_one_sentence_with_the_right_name(hub, name, sentence):
    got = run("get", name)
    assert got.exit_code == 1 and sentence in got.stderr and got.stderr.count("\n") == 1
    assert not hub.requests


def test_what_needs_no_files_of_the_hub_is_said_so(hub):
    assert "no files of the hub to fetch" in run("get", " starter ").stdout


def test_an_estimate_is_from_a_measurement_where_there_is_one_and_says_so(hub):
    guessed = estimate(NAME, 1000)
    assert not guessed.measured and "estimated" in guessed.how
    slow = estimate("ViT-L-14/datacomp_xl_s13b_b90k", 1000)
    assert slow.seconds > 8 * guessed.seconds
    with pytest.raises(UserError, match="has not run on this machine and is not in the catalogue"):
        estimate("ViT-B-32/openai", 10)
    encoder = ColourEncoder()
    encoder.name = "ViT-B-32/openai"
    encoder.runtime, encoder.precision = estimates.resolve()
    assert measure(encoder, 0.05) > 0
    embedding = estimate("ViT-B-32/openai", 1000)
    assert embedding.measured and embedding.how == "measured on this machine"
    record_speed(encoder, 25.0)
    assert estimate("ViT-B-32/openai", 1000).seconds == 40


@pytest.mark.parametrize(
    ("speed", "images", "use"),
    [(300.0, 2_300, "balanced"), (300.0, 100_000, "small"), (30.0, 2_300, "small"), (100_000.0, 100_000, "balanced")],
)
def test_the_offer_suits_the_machine_and_the_collection_and_is_never_restricted(hub, monkeypatch, speed, images, use):
    monkeypatch.setattr(estimates, "gigaflops", lambda: speed)
    monkeypatch.setattr(estimates, "_memory", lambda: 16 << 30)
    offer = recommended(images)
    assert offer.use == use and offer.commercial and offer.download_bytes <= 2_000_000_000
    monkeypatch.setattr(estimates, "_memory", lambda: 1 << 30)
    assert recommended(images).name == "PE-Core-S-16-384/meta"  # of the free ones the fewest parameters


def test_the_short_run_measures_this_machine_once(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    monkeypatch.setattr(estimates, "SHORT_RUN", 0.01)
    first = estimates.gigaflops()
    assert first > 0.1 and np.isfinite(first)
    monkeypatch.setattr(estimates, "_rate", None)  # not called again
    assert estimates.gigaflops() == pytest.approx(first, abs=0.1)
