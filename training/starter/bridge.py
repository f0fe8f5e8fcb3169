"""Version 1 of the bridge of `starter`, fitted on drawings: `python -m training starter` without captions.

The half that ImageNet's classes give is their classifier's own rows, seen through one linear map that makes
a shrunken image's features those of the whole one; it is fitted on drawings and knows no names. The half
that captions give is one linear map from image features to sentence embeddings, by ridge regression on
captioned drawings, whole and shrunken, and from there on by a run of the trainer
(`training/starter/bridge_training.py`).
Settings were chosen by retrieval on held-out drawings; what else is reported of `starter` comes from images
that were never fitted on.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.models.atomic import write_file
from training.models.bridge import Bridge, image_vectors, text_vectors
from training.models.encoder import Vectors, unit
from training.models.errors import UserError
from training.models.sentence_encoder import SentenceEncoder
from training.models.starter import imagenet_classifier
from training.starter.drawings import Captioned, embed, read_clipart, read_openmoji

CLIPART = Path("/usr/share/openclipart/png")  # where Debian's package openclipart-png puts it
PLANE = 384  # directions of the classes' plane that are kept
TEMPERATURE = 0.1  # of a text's mixture of classes
RIDGE = 0.3  # of the mean variance of a feature
CAPTIONS_WEIGHT = 0.6  # of the captions' half beside the classes'
HELD_OUT = 5  # one in so many families of drawings is left out while the scale of the probabilities is chosen


def fit_bridge(
    out: Path, clipart: Path = CLIPART, say: Callable[[str], object] = print, run: Path | None = None
) -> dict[str, float]:
    """Fit, measure on held-out drawings, and write the weights to out; what was measured comes back.

    run: a folder that keeps the trainer's run, so that it goes on where it was stopped; another beside it,
    of the same name and `-held-out`, keeps the one that is measured. UserError if the clip-art is not there.
    The numbers are the same each time on one machine, and to the rounding of float16 on any.
    """
    if not clipart.is_dir():
        raise UserError(
            f"The bridge is fitted on the Open Clip Art Library too, and there is none at {clipart}; "
            f"install Debian's package openclipart-png, or say where it is with --clipart."
        )
    text_encoder = SentenceEncoder("openvino", "f32")
    say("Looking at OpenMoji")
    drawings, family = read_openmoji(text_encoder)
    say("Looking at the Open Clip Art Library")
    cliparts = read_clipart(clipart, text_encoder)
    kept = family % HELD_OUT != 0
    some = [drawings.only(kept), cliparts]
    trial = learned(regression(some, text_encoder), some, text_encoder, run and run.with_name(run.name + "-held-out"))
    rest = image_vectors(drawings.features[~kept], trial), text_vectors(drawings.sentences[~kept], trial)
    measured = {f"recall_at_{k}": recall(*rest, k) for k in (1, 5, 10)}
    measured |= {"held_out": float((~kept).sum()), "logit_scale": likeliest_scale(against_others(*rest))}
    scale = np.array(measured["logit_scale"], np.float32)
    every = [drawings, cliparts]
    bridge = learned(regression(every, text_encoder), every, text_encoder, run) | {"logit_scale": scale}
    store(bridge, out)
    say(" · ".join(f"{name} {value:.4g}" for name, value in measured.items()))
    return measured


def regression(parts: Sequence[Captioned], text_encoder: SentenceEncoder) -> Bridge:
    """The bridge before the trainer's run: classes seen sharply, and captions by ridge regression."""
    closed = closed_form(text_encoder)
    project = sharpening(parts) @ closed["project"]
    return closed | {"project": project} | caption_map([size for part in parts for size in part.sizes()])


def learned(
    bridge: Bridge,
    parts: Sequence[Captioned],
    text_encoder: SentenceEncoder,
    run: Path | None = None,
) -> Bridge:
    """The bridge after the trainer's run over parts, which is kept in run if one is named."""
    from training.starter.bridge_training import train_map

    rows = imagenet_classifier().classifier.weight.detach().numpy()
    pairs = [(size.features, size.sentences) for part in parts for size in part.sizes()]
    return bridge | {"lift": train_map(bridge, pairs, rows, class_names(text_encoder), run)}


def closed_form(text_encoder: SentenceEncoder) -> Bridge:
    """The half that needs no fitting: the classifier's rows as prototypes, found by the classes' names."""
    prototypes = imagenet_classifier().classifier.weight.detach().numpy()  # [1000, 1280]
    prototypes = prototypes - prototypes.mean(axis=0)
    directions = np.linalg.svd(prototypes, full_matrices=False)[2][:PLANE]
    # A direction and its opposite serve alike; this fixes which, so that a rebuild gives the same numbers.
    strongest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    plane = (directions * np.sign(strongest)).T
    names = class_names(text_encoder)
    return {
        "project": plane,
        "prototypes": prototypes @ plane,
        "names": unit(names - names.mean(axis=0)),
        "name_mean": names.mean(axis=0),
        "temperature": np.array(TEMPERATURE, np.float32),
        "weight": np.array(CAPTIONS_WEIGHT, np.float32),
    }


def class_names(text_encoder: SentenceEncoder, templates: Sequence[str] = ()) -> Vectors:
    """[1000, 384]: each ImageNet class as the mean of what it is called.

    That is open_clip's curated name, WordNet's lemmas, the first of them, and the lemmas with
    WordNet's definition (the last three as timm ships them); and the curated name and the first lemma in templates.
    """
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    defined = [info.index_to_description(i, detailed=True) for i in range(1000)]
    lemmas = [text.partition(":")[0] for text in defined]
    curated, first = list(IMAGENET_CLASSNAMES), [text.partition(",")[0] for text in lemmas]
    said = [curated, lemmas, first, defined]
    said += [[template.replace("{}", name) for name in names] for template in templates for names in (curated, first)]
    return unit(np.sum([embed(text_encoder, texts) for texts in said], axis=0))


def caption_map(parts: Iterable[Captioned], penalty: float = RIDGE) -> Bridge:
    """The linear map from features to sentences, by weighted ridge regression; each part about its own mean.

    penalty: of the mean variance of a feature.
    """
    parts = list(parts)
    gram = np.sum([p.weight * _centred(p.features).T @ _centred(p.features) for p in parts], axis=0)
    cross = np.sum([p.weight * _centred(p.features).T @ _centred(p.sentences) for p in parts], axis=0)
    ridge = penalty * np.trace(gram) / len(gram)
    return {
        "lift": np.linalg.solve(gram + ridge * np.eye(len(gram)), cross),
        "feature_mean": np.mean([p.features.mean(axis=0) for p in parts], axis=0),
        "caption_mean": parts[0].sentences.mean(axis=0),
    }


def sharpening(parts: Sequence[Captioned]) -> NDArray[np.float64]:
    """[1280, 1280]: multiplied by it, the features of a shrunken drawing come near to those of the whole one.

    Ridge regression towards leaving features as they are, which those of whole drawings are asked to be.
    """
    mean = np.concatenate([part.features for part in parts]).mean(axis=0, dtype=np.float64)
    gram, cross = np.zeros((2, len(mean), len(mean)))
    for part in parts:
        whole = part.features - mean
        for seen in part.sizes():
            rows = seen.features - mean
            gram += rows.T @ rows
            cross += rows.T @ whole
    ridge = RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    return np.linalg.solve(gram + ridge, cross + ridge)


def recall(images: Vectors, texts: Vectors, k: int) -> float:
    """The share of texts whose own image is among the k nearest."""
    scores = texts @ images.T
    return float(((scores > np.diag(scores)[:, None]).sum(axis=1) < k).mean())


def against_others(images: Vectors, texts: Vectors, choices: int = 10, seed: int = 0) -> NDArray[np.float64]:
    """Cosines [N, choices] of each image to its own text, first, and to those of others drawn at random."""
    rng = np.random.default_rng(seed)
    others = (np.arange(len(texts))[:, None] + rng.integers(1, len(texts), (len(texts), choices - 1))) % len(texts)
    picked = np.column_stack([np.arange(len(texts)), others])
    return np.einsum("nd,nkd->nk", images, texts[picked]).astype(np.float64)


def likeliest_scale(scores: NDArray[np.float64]) -> float:
    """The logit scale under which the first of each row of scores [N, K] is likeliest to have been chosen."""

    def loss(scale: float) -> float:
        logits = scale * scores
        most = logits.max(axis=1)
        return float((np.log(np.exp(logits - most[:, None]).sum(axis=1)) + most - logits[:, 0]).mean())

    return float(min(np.geomspace(1, 200, 201), key=loss))


def _centred(rows: NDArray[Any]) -> NDArray[np.float64]:
    return rows.astype(np.float64) - rows.mean(axis=0)


def store(bridge: Bridge, out: Path) -> None:
    """Write the weights: matrices in float16, which is all that a cosine notices; the rest in float32."""
    from safetensors.numpy import save

    stored = {name: np.asarray(a, np.float16 if a.ndim == 2 else np.float32, order="C") for name, a in bridge.items()}
    write_file(out, save(stored))
