"""A small CLIP, trained with the trainer on generated scenes, for claims: a run takes minutes on a CPU."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch

from training.claims.claim import Arm
from training.data.dataset import ImageDataset
from training.data.loader import Batches
from training.data.sampler import Sampler
from training.engine.config import resolve
from training.engine.distributed import join
from training.engine.trainer import Trainer
from training.evaluation.association import predict_colours, pull
from training.evaluation.detail import multiple_choices
from training.evaluation.generated import generated_negatives, generated_pairs
from training.evaluation.hard_negatives import hard_negative_wins
from training.evaluation.linear import linear_accuracy
from training.evaluation.pairs import embed_pairs
from training.evaluation.subject import Subject
from training.evaluation.suite import run_suite
from training.evaluation.winoground import winoground_wins
from training.methods import METHODS
from training.methods.base import Method
from training.models.dual_encoders import dual_encoder_from_config
from training.models.encoder import Encoder
from training.models.run_encoder import build_encoder

SIDE = 32  # pixels
PAIR: dict[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": SIDE, "layers": 2, "width": 96, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
CLIP_STEPS, CLIP_BATCH, CLIP_SCENES = 350, 128, 6000
WORLD = {"pixels": SIDE, "least": 2, "most": 2, "nuisance": 0.2, "finer": 0, "synonyms": 0}


def scenes(count: int, seed: int, knobs: Mapping[str, Any], split: str = "train") -> str:
    """The source spec of generated scenes."""
    settings = {**WORLD, "seed": 1000 + seed, "split": split, **knobs}
    return f"scenes:{count}?" + "&".join(f"{name}={value}" for name, value in settings.items())


def clip_run(
    seed: int,
    quick: bool,
    knobs: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    pairs: int = CLIP_SCENES,
    templates: Sequence[str] = (),
) -> dict[str, float]:
    """Train a small CLIP on scenes and measure it. templates: captions that replace those of the scenes."""
    torch.manual_seed(seed)
    pair = dual_encoder_from_config(PAIR, "little")
    method = METHODS["clip"](pair, METHODS["clip"].Config(**(settings or {})))
    steps = 30 if quick else CLIP_STEPS
    images = images_of(scenes(pairs, seed, knobs or {}), captions=True, templates=templates)
    train(method, "clip", images, seed, steps, CLIP_BATCH, 1e-3)
    encoder = _encoder(method)
    return _measure(encoder, seed, knobs or {}, 100 if quick else 400)


def _measure(encoder: Encoder, seed: int, knobs: Mapping[str, Any], count: int) -> dict[str, float]:
    held = scenes(count, seed, {name: v for name, v in knobs.items() if name == "association"}, "iid")
    retrieval = run_suite(Subject(encoder, held), "retrieval").results["retrieval"].named
    measured = {"recall@5": retrieval["image_to_text@5"]["value"], "images": float(count)}
    pairs = generated_pairs(count // 4, seed, SIDE * 2)
    for score, won in winoground_wins(**embed_pairs(encoder, pairs)).items():
        measured[f"winoground {score}"] = float(won.mean())
    made = generated_negatives(count // 4, seed, SIDE * 2)
    images = encoder.embed_images([m.image() for m in made if m.image])
    captions, negatives = (encoder.embed_texts([getattr(m, of) for m in made]) for of in ("caption", "negative"))
    won = hard_negative_wins(images, captions, negatives)
    for kind in {m.kind for m in made}:
        measured[f"negatives, {kind}"] = float(won[[m.kind == kind for m in made]].mean())
    alone, beside = (
        predict_colours(encoder, paint, b, count // 2, seed) for paint, b in (("wrong", False), ("natural", True))
    )
    measured["wrong colour: right"] = float(np.mean([a.predicted == a.colour for a in alone]))
    measured["wrong colour: pull"] = float(pull(alone).mean())
    measured["beside another: right"] = float(np.mean([a.predicted == a.colour for a in beside]))
    neighbours = [a.predicted == a.neighbour != a.colour for a in beside]
    others = [a.predicted not in ("", a.colour, a.neighbour) for a in beside]
    measured["beside another: the neighbour's"] = float(np.mean(neighbours))
    measured["beside another: any other, each"] = float(np.mean(others)) / 7
    for name in ("colour", "number"):
        choices = multiple_choices(name, count, seed, SIDE * 2)
        rows = encoder.embed_images([choice.image for choice in choices])
        labels = np.array([choice.correct for choice in choices])
        scores = [encoder.embed_texts(choice.texts) @ row for choice, row in zip(choices, rows, strict=True)]
        half = count // 2
        correct = [s.argmax() == label for s, label in zip(scores, labels, strict=True)]
        measured[f"{name}: words"] = float(np.mean(correct))  # the key of stored runs
        measured[f"{name}: linear"] = linear_accuracy(rows[:half], labels[:half], rows[half:], labels[half:])
    return measured


def train(
    method: Method, name: str, images: ImageDataset, seed: int, steps: int, batch: int, rate: float, adamw: bool = False
) -> None:
    user: dict[str, Any] = {"steps": steps, "batch_size": batch, "learning_rate": rate, "workers": 0, "seed": seed}
    user |= {"optimizer": "adamw", "rate_scaling": "none", "weight_decay": 1e-4} if adamw else {}
    papers = method.papers(user.get("optimizer"))
    config, _ = resolve({**user, "log_every": 50, "device": "cpu"}, papers, len(images))
    batches = Batches(images, Sampler(images.sizes, batch, seed), method.augment, seed, 0, 1)
    Trainer(method, name, batches, config, join("cpu"), quiet=True).train()


def images_of(spec: str, captions: bool, side: int = SIDE, templates: Sequence[str] = ()) -> ImageDataset:
    images = ImageDataset([spec], side, templates, needs_captions=captions)
    images.cache_pixels()
    return images


def _encoder(method: Method) -> Encoder:
    facts, module = method.product()
    return build_encoder(facts, lambda fresh: fresh.load_state_dict(module.state_dict()), "little", "", "torch", "f32")


@cache
def clip_arms() -> dict[str, Arm]:
    """The runs of CLIP that several claims share."""
    return {
        "plain": Arm("clip-plain", lambda seed, quick: clip_run(seed, quick)),
        "unassociated": Arm("clip-unassociated", lambda seed, quick: clip_run(seed, quick, {"association": 0.125})),
        "hard negatives": Arm(
            "clip-hard-negatives", lambda seed, quick: clip_run(seed, quick, settings={"hard_negatives": True})
        ),
    }
