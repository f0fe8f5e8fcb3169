"""The bridge of `starter` as a run of the trainer: part of `python -m training starter`.

Image encoder and text encoder are locked, so each image is looked at once and the run is over features and sentences.
What is learned is the linear map of the captions' half, from the ridge regression on, by CLIP's loss over
whole vectors: it need only say what the classes' half does not. Beside the drawings it meets stand-ins for
photographs, the rows of the image encoder's classifier with noise about them, called by what WordNet says of them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.data.keyed import Keyed
from training.data.loader import Batches, LoadedBatch
from training.data.sampler import Sampler
from training.engine.config import CONFIG, RunConfig
from training.engine.distributed import join, leave
from training.engine.trainer import Trainer
from training.methods.base import Method
from training.methods.clip import clip_loss
from training.models.atomic import write_file
from training.models.encoder import Vectors
from training.models.errors import UserError

RUN = RunConfig(
    batch_size=256,
    steps=100,
    learning_rate=1e-3,
    weight_decay=0.0,
    channels_last=False,
    workers=0,
    device="cpu",
    log_every=10,
    checkpoint_every=20,
)
SCALE = 30.0  # of the cosines in the loss
NOISE = 0.3  # about each feature, of the drawings' own spread
SHRINK = 0.1  # of the noise's covariance towards a ball, without which few drawings leave directions untouched


class FeaturePairs(Batches):
    """Batches of features and sentences that were computed before; which, is a function of the seed and the step.

    parts: features [N, 1280] and sentences [N, 384] of each source. shares: of each in a batch. noise [1280,
    1280]: what a standard normal row is multiplied by and added to a feature. seed: of order and noise.
    """

    def __init__(
        self,
        parts: Sequence[tuple[NDArray[Any], NDArray[Any]]],
        shares: Sequence[float],
        noise: NDArray[Any],
        batch_size: int,
        seed: int = 0,
    ):
        self.features = np.concatenate([features for features, _ in parts]).astype(np.float32)
        self.sentences = np.concatenate([sentences for _, sentences in parts]).astype(np.float32)
        self.noise, self.seed = torch.from_numpy(noise.astype(np.float32)), seed
        self.sampler = Sampler([len(features) for features, _ in parts], batch_size, seed, shares)

    def __getitem__(self, step: int) -> LoadedBatch:
        draw = self.sampler.batch(step)
        normal = Keyed(self.seed, draw.epochs, draw.samples).normal(len(self.noise))
        features = torch.from_numpy(self.features[draw.samples]) + normal @ self.noise
        return LoadedBatch((features, torch.from_numpy(self.sentences[draw.samples])), [])


class BridgeMethod(Method):
    """Learns the captions' map of a bridge, [1280, 384]; everything else of the bridge stays as it is."""

    project: Tensor
    prototypes: Tensor
    names: Tensor
    name_mean: Tensor
    feature_mean: Tensor
    caption_mean: Tensor
    temperature: Tensor
    weight: Tensor

    def __init__(self, bridge: Mapping[str, NDArray[Any]]):
        super().__init__()
        for name, array in bridge.items():
            if name != "lift":
                self.register_buffer(name, torch.as_tensor(np.asarray(array, np.float32)))
        self.lift = nn.Parameter(torch.from_numpy(np.asarray(bridge["lift"], np.float32).copy()))

    def loss(self, features: Tensor, sentences: Tensor) -> Tensor:
        return clip_loss(self.encode_features(features), self.encode_sentences(sentences), SCALE)

    def encode_features(self, features: Tensor) -> Tensor:
        """`image_vectors` with gradients."""
        classes = nn.functional.normalize(features @ self.project, dim=1)
        captions = nn.functional.normalize((features - self.feature_mean) @ self.lift, dim=1)
        return nn.functional.normalize(torch.cat([classes, self.weight * captions], dim=1), dim=1)

    def encode_sentences(self, sentences: Tensor) -> Tensor:
        """`text_vectors` on tensors."""
        near = nn.functional.normalize(sentences - self.name_mean, dim=1) @ self.names.T / self.temperature
        classes = nn.functional.normalize(near.softmax(dim=1) @ self.prototypes, dim=1)
        captions = nn.functional.normalize(sentences - self.caption_mean, dim=1)
        return nn.functional.normalize(torch.cat([classes, self.weight * captions], dim=1), dim=1)

    def product(self) -> tuple[dict[str, Any], nn.Module]:
        return {"kind": "bridge"}, self


def train_map(
    bridge: Mapping[str, NDArray[Any]],
    drawings: Sequence[tuple[NDArray[Any], NDArray[Any]]],
    rows: NDArray[Any],
    sentences: Vectors,
    run: Path | None = None,
    config: RunConfig = RUN,
) -> NDArray[np.float32]:
    """The captions' map [1280, 384] after a run that begins with the bridge's own.

    drawings: features and sentences of each source. rows [1000, 1280], sentences [1000, 384]: of the image encoder's
    classifier, and what the classes are called. run: where it is kept; a run that is there goes on.
    UserError if that one began from other data or settings.
    """
    spread = shared_covariance([features for features, _ in drawings])
    stand_ins = standing_in(rows, spread, np.concatenate([features for features, _ in drawings]))
    stand_ins = stand_ins + bridge["feature_mean"]
    values, directions = np.linalg.eigh(spread)
    noise = directions * np.sqrt(values.clip(0)) @ directions.T * NOISE
    parts = [*drawings, (stand_ins, sentences)]
    pairs = FeaturePairs(parts, [len(of) for _, of in parts], noise, config.batch_size, config.seed)
    if run is not None:
        _claim(run, pairs, config)
    world = join("cpu")
    try:
        method = BridgeMethod(bridge)
        trainer = Trainer(method, "bridge", pairs, config, world, run, quiet=True)
        trainer.resume()
        trainer.train()
    finally:
        leave()
    return method.lift.detach().numpy()


def _claim(run: Path, pairs: FeaturePairs, config: RunConfig) -> None:
    """Write what run is a run of, or see that it is this one."""
    whole = hashlib.sha256(pairs.features.tobytes() + pairs.sentences.tobytes()).hexdigest()[:16]
    facts = {"method": "bridge", "pairs": len(pairs.features), "data_fingerprint": whole, "run": asdict(config)}
    file = run / CONFIG
    if file.exists() and json.loads(file.read_text(encoding="utf-8")) != facts:
        raise UserError(f"{run} holds a run from other drawings or settings; name another folder, or delete it.")
    run.mkdir(parents=True, exist_ok=True)
    write_file(file, json.dumps(facts, indent=1).encode() + b"\n")


def shared_covariance(parts: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """[D, D]: of features about the mean of their own source, shrunk towards a ball."""
    centred = np.concatenate([features - features.mean(axis=0) for features in parts]).astype(np.float64)
    covariance = centred.T @ centred / len(centred)
    return covariance + SHRINK * np.trace(covariance) / len(covariance) * np.eye(len(covariance))


def standing_in(rows: NDArray[Any], covariance: NDArray[Any], like: NDArray[Any]) -> NDArray[np.float64]:
    """[1000, D]: where the mean image of each class would lie, about the mean of all, as long as those of like are.

    A linear classifier of normal classes with one covariance has the row inverse(covariance) @ mean.
    """
    means = (rows - rows.mean(axis=0)) @ covariance
    length = np.linalg.norm(like - like.mean(axis=0), axis=1).mean()
    return means * (length / np.linalg.norm(means, axis=1).mean())
