"""CLIP's matrix: a batch of pairs, the symmetric loss by rows and columns, and SigLIP's sigmoid beside it."""

import math
from collections.abc import Iterator, Sequence

import torch
from PIL import Image

from training.data.scenes.source import scene
from training.evaluation.contrast import contrast
from training.lessons.encoders import encoder
from training.lessons.lesson import Part, Settings
from training.lessons.parts import curve, head, matrix, sentence
from training.lessons.said import say
from training.methods.clip import clip_loss, rows_loss
from training.methods.siglip import siglip_loss

PAIRS, PIXELS = 8, 160
BIAS = -10.0  # of the sigmoid for an encoder without one; SigLIP's initial value
SCALES = [1.3**i for i in range(18)]  # of the curve
FACES = {
    "cosines": say("Cosine similarities; pairs lie on the diagonal"),
    "rows": say("Softmax of rows, in percent; pairs lie on the diagonal"),
    "columns": say("Softmax of columns, in percent; pairs lie on the diagonal"),
}


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    tower, scale, face = encoder(settings.text("encoder")), settings.number("scale"), settings.text("shown")
    images, captions = pairs()
    image, text = (
        torch.from_numpy(rows).double() for rows in (tower.embed_images(images), tower.embed_texts(captions))
    )
    bias = tower.logit_bias if tower.logit_bias is not None else BIAS
    found = contrast(image.numpy(), text.numpy(), scale)
    loss, of_sigmoid = float(clip_loss(image, text, scale)), float(siglip_loss(image, text, scale, bias))
    rows, columns = float(rows_loss(image, text, scale)), float(rows_loss(text, image, scale))
    right = int((found.logits.argmax(axis=1) == range(PAIRS)).sum())
    yield sentence(
        say(
            "Loss {loss:.3f} = ({rows:.3f} by rows + {columns:.3f} by columns) / 2; chance is ln {pairs} = "
            "{chance:.3f}. "
            "{right} of {pairs} images find their caption.",
            loss=loss,
            rows=rows,
            columns=columns,
            pairs=PAIRS,
            chance=math.log(PAIRS),
            right=right,
        )
    )
    faces = {
        "cosines": image @ text.T,
        "rows": found.to_text,
        "columns": found.to_image,
        "sigmoids": torch.sigmoid(scale * image @ text.T + bias),
    }
    sigmoid = say(
        "Sigmoid of each pair by itself, in percent, bias {bias:.1f}; SigLIP's loss is {loss:.3f}; pairs lie on "
        "the diagonal",
        bias=float(bias),
        loss=of_sigmoid,
    )
    shares = face != "cosines"
    yield matrix(
        "matrix",
        FACES.get(face, sigmoid),
        faces[face],
        [head(caption, one) for caption, one in zip(captions, images, strict=True)],
        [head(caption) for caption in captions],
        shown="percent" if shares else "cosine",
        marks=[(i, i) for i in range(PAIRS)],
        low=0.0 if shares else None,
        high=1.0 if shares else None,
    )
    lines = {
        "softmax (CLIP)": [(s, float(clip_loss(image, text, s))) for s in SCALES],
        say("chance"): [(SCALES[0], math.log(PAIRS)), (SCALES[-1], math.log(PAIRS))],
    }
    yield curve("loss", say("Loss of this batch by logit scale"), lines, x=say("logit scale"), at=scale, log=True)


def pairs() -> tuple[list[Image.Image], list[str]]:
    """Generated scenes with different captions."""
    by_caption: dict[str, Image.Image] = {}
    i = 0
    while len(by_caption) < PAIRS:
        one = scene(0, i, pixels=PIXELS)
        by_caption.setdefault(one.caption, Image.fromarray(one.image))
        i += 1
    return list(by_caption.values()), list(by_caption)
