"""What a page can ask of an encoder at once: two images and two captions, a caption's other orders,
templates, words written into an image. Pure functions of images and phrases; how it looks is the page's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from training.evaluation.order import moved
from training.evaluation.rows import TIE
from training.evaluation.winoground import wins_of_matrix
from training.evaluation.wording import Variant, variants, words_of
from training.models.encoder import Encoder
from training.models.errors import UserError


@dataclass(frozen=True)
class Match:
    """Two images by two captions. scores: cosines [2, 2], images by captions. says: a sentence on each verdict."""

    scores: NDArray[np.float64]
    text: bool
    image: bool
    group: bool
    says: tuple[str, str]


def match(encoder: Encoder, images: Sequence[Image.Image], captions: Sequence[str]) -> Match:
    """Whether each caption finds its image and each image its caption; captions[i] belongs to images[i]."""
    if len(images) != 2 or len(captions) != 2:
        raise ValueError(f"two images and two captions are matched, not {len(images)} and {len(captions)}")
    scores = cosines(encoder, images, captions)
    won = {name: bool(of[0]) for name, of in wins_of_matrix(scores[None]).items()}
    text = "Each image is nearer to its own caption." if won["text"] else _lost(scores, "image", "caption")
    image = "Each caption is nearer to its own image." if won["image"] else _lost(scores.T, "caption", "image")
    return Match(scores, won["text"], won["image"], won["group"], (text, image))


def _lost(scores: NDArray[np.float64], of: str, other: str) -> str:
    """Which rows prefer the wrong column, or cannot decide."""
    gaps = scores[[0, 1], [0, 1]] - scores[[0, 1], [1, 0]]
    names = ("first", "second")
    tied = [name for name, gap in zip(names, gaps, strict=True) if abs(gap) <= TIE]
    wrong = [name for name, gap in zip(names, gaps, strict=True) if gap < -TIE]
    said = []
    if wrong:
        said.append(
            f"the {' and the '.join(wrong)} {of} {'is' if len(wrong) == 1 else 'are'} nearer to the wrong {other}"
        )
    if tied:
        said.append(f"the {' and the '.join(tied)} {of} cannot tell the {other}s apart")
    sentence = "; ".join(said)
    return f"{sentence[0].upper()}{sentence[1:]}."


def cosines(encoder: Encoder, images: Sequence[Image.Image], phrases: Sequence[str]) -> NDArray[np.float64]:
    """[images, phrases]."""
    return encoder.embed_images(list(images)).astype(np.float64) @ encoder.embed_texts(list(phrases)).T.astype(
        np.float64
    )


@dataclass(frozen=True)
class OrderScore:
    """One order of a caption's words. score: cosine to the image; moved: 1 - cosine to the caption itself."""

    kind: str
    text: str
    score: float
    moved: float


def order_scores(
    encoder: Encoder, image: Image.Image | None, caption: str, shuffles: int = 16, seed: int = 0
) -> list[OrderScore]:
    """The caption first, then the same words in other orders, each with its cosine to the image (0 without one)."""
    plain = " ".join(words_of(caption))
    if not plain:
        raise UserError("There are no words; write a caption such as 'a dog chases a cat'.")
    said = [Variant("original", plain), *variants(caption, shuffles, seed)]
    rows = encoder.embed_texts([variant.text for variant in said]).astype(np.float64)
    vector = encoder.embed_images([image])[0].astype(np.float64) if image is not None else np.zeros(rows.shape[1])
    scores, gaps = rows @ vector, moved(np.broadcast_to(rows[0], rows.shape), rows)
    return [
        OrderScore(variant.kind, variant.text, float(score), float(gap))
        for variant, score, gap in zip(said, scores, gaps, strict=True)
    ]


def rank_as_written(found: Sequence[OrderScore]) -> int:
    """The place of the caption itself among its other orders, from 1; what cannot be told apart counts against it."""
    own = next(one.score for one in found if one.kind == "original")
    return 1 + sum(one.score >= own - TIE for one in found if one.kind != "original")


@dataclass(frozen=True)
class TemplateScore:
    """What one template makes of an image. probabilities: of the classes, [K]; answer: the likeliest."""

    template: str
    probabilities: NDArray[np.float64]
    answer: str


def prompt_scores(
    encoder: Encoder, image: Image.Image, classes: Sequence[str], templates: Sequence[str]
) -> list[TemplateScore]:
    """How the answer for an image depends on what is said around the classes' names; each template has one {}."""
    if not classes or not templates:
        raise UserError("Give at least one class and one template such as 'a photo of a {}.'")
    phrases = [template.replace("{}", name) for template in templates for name in classes]
    scores = cosines(encoder, [image], phrases)[0].reshape(len(templates), len(classes)) * encoder.logit_scale
    probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares = probabilities / probabilities.sum(axis=1, keepdims=True)
    return [
        TemplateScore(template, share, classes[int(share.argmax())])
        for template, share in zip(templates, shares, strict=True)
    ]


def written_over(image: Image.Image, text: str) -> Image.Image:
    """A copy with a paper note across its lower part that says text: the typographic attack of Goh et al. 2021."""
    copy = image.convert("RGB").copy()
    if max(copy.size) < 224:
        scale = -(-224 // max(copy.size))
        copy = copy.resize((copy.width * scale, copy.height * scale), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(copy)
    size = copy.height / 5
    while size > 8 and pen.textlength(text, font=ImageFont.load_default(size)) > 0.8 * copy.width:
        size *= 0.9
    font = ImageFont.load_default(size)
    width, height = pen.textlength(text, font=font) + size, size * 1.6
    left, top = (copy.width - width) / 2, copy.height * 0.94 - height
    pen.rectangle((left, top, left + width, top + height), fill=(250, 249, 244), outline=(180, 178, 170))
    pen.text((copy.width / 2, top + height / 2), text, fill=(20, 20, 20), font=font, anchor="mm")
    return copy


@dataclass(frozen=True)
class Typographic:
    """An image before and after a word was written on it. before, after: probabilities of the classes, [K]."""

    image: Image.Image
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    fooled: bool


def typographic(encoder: Encoder, image: Image.Image, classes: Sequence[str], word: str) -> Typographic:
    """Whether writing word, one of classes, on an image turns the answer into it when it was another before."""
    if word not in classes:
        raise UserError(f"{word!r} is none of the classes, so it could not be answered; add it to them.")
    written = written_over(image, word)
    before, after = (
        prompt_scores(encoder, one, classes, ("a photo of a {}.",))[0].probabilities for one in (image, written)
    )
    target = list(classes).index(word)
    fooled = int(before.argmax()) != target and int(after.argmax()) == target
    return Typographic(written, before, after, fooled)
