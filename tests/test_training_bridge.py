"""The bridge of `starter` as a run of the trainer: it learns, it resumes, and it sees as `starter` does."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from training.engine.log import read_metrics
from training.models.bridge import image_vectors, read_bridge, text_vectors
from training.models.encoder import unit
from training.models.errors import UserError
from training.models.starter import BRIDGES
from training.starter.bridge_training import RUN, BridgeMethod, FeaturePairs, shared_covariance, standing_in, train_map

TINY = replace(RUN, batch_size=16, steps=6, log_every=2, checkpoint_every=2, learning_rate=1e-2)


@pytest.fixture(scope="module")
def bridge():
    """A bridge of few numbers: features of 20, sentences of 8, a plane of 5, 12 classes."""
    rng = np.random.default_rng(0)
    made = {"project": (20, 5), "prototypes": (12, 5), "lift": (20, 8), "feature_mean": (20,), "caption_mean": (8,)}
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in made.items()}
    arrays |= {"names": unit(rng.normal(size=(12, 8)).astype(np.float32)), "name_mean": np.zeros(8, np.float32)}
    return arrays | {"temperature": np.array(0.1, np.float32), "weight": np.array(3.0, np.float32)}


@pytest.fixture(scope="module")
def drawings():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(40, 20)).astype(np.float32)
    return features, unit(features @ rng.normal(size=(20, 8)).astype(np.float32))


def trained(bridge, drawings, run, config=TINY):
    rng = np.random.default_rng(2)
    rows, called = rng.normal(size=(12, 20)).astype(np.float32), unit(rng.normal(size=(12, 8)).astype(np.float32))
    return train_map(bridge, [drawings], rows, called, run, config)


def test_a_run_lowers_its_loss_and_moves_the_map_alone(bridge, drawings, tmp_path):
    before = bridge["lift"].copy()
    lift = trained(bridge, drawings, tmp_path / "run", replace(TINY, steps=40))
    losses = [line["loss"] for line in read_metrics(tmp_path / "run/metrics.jsonl")]
    assert losses[-1] < 0.8 * losses[0]
    assert np.array_equal(bridge["lift"], before) and not np.array_equal(lift, before)


def test_a_run_stopped_and_gone_on_with_is_the_run_never_stopped(bridge, drawings, tmp_path):
    import shutil

    whole = trained(bridge, drawings, tmp_path / "run")
    shutil.rmtree(tmp_path / "run/checkpoints/step-00000006")
    assert np.array_equal(trained(bridge, drawings, tmp_path / "run"), whole)
    with pytest.raises(UserError, match="from other drawings or settings"):
        trained(bridge, (drawings[0] + 1, drawings[1]), tmp_path / "run")


def test_the_trained_bridge_embeds_as_starter_does():
    bridge, rng = read_bridge(BRIDGES["starter-1"]), np.random.default_rng(3)
    features = rng.normal(size=(4, 1280)).astype(np.float32)
    sentences = unit(rng.normal(size=(4, 384)).astype(np.float32))
    method = BridgeMethod(bridge)
    with torch.no_grad():
        images = method.encode_features(torch.from_numpy(features))
        texts = method.encode_sentences(torch.from_numpy(sentences))
    assert np.allclose(images, unit(image_vectors(features, bridge)), atol=1e-5)
    assert np.allclose(texts, text_vectors(sentences, bridge), atol=1e-5)


def test_a_stand_in_lies_where_the_mean_of_its_class_lies():
    """Three normal classes of one covariance: a linear classifier's rows lead back to their means."""
    rng = np.random.default_rng(4)
    means, mixing = rng.normal(size=(3, 6)) * 3, rng.normal(size=(6, 6))
    samples = np.concatenate([mean + rng.normal(size=(4000, 6)) @ mixing.T for mean in means - means.mean(axis=0)])
    covariance = mixing @ mixing.T
    rows = np.linalg.solve(covariance, (means - means.mean(axis=0)).T).T
    found = standing_in(rows, covariance, samples)
    cosines = (unit(found) * unit(means - means.mean(axis=0))).sum(axis=1)
    assert cosines.min() > 0.999
    parts = np.split(samples, 3)
    assert np.allclose(
        shared_covariance(parts), covariance + 0.1 * np.trace(covariance) / 6 * np.eye(6), rtol=0.2, atol=1
    )


def test_noise_is_a_function_of_seed_and_step(drawings):
    pairs = FeaturePairs([drawings], [1], np.eye(20), 16, seed=5)
    one, again, other = pairs[3].arguments[0], pairs[3].arguments[0], pairs[4].arguments[0]
    assert torch.equal(one, again) and not torch.equal(one, other)
