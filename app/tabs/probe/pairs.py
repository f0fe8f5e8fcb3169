"""Winoground on the page: generated pairs to browse, a person's own, and the scores on many."""

from functools import lru_cache
from typing import Any

from PIL import Image

from app.language.current import _
from app.state.library import Library
from app.state.pairs import pair_scores
from app.state.text_encoder import text_encoder
from app.tabs.probe.request import SIDE, Request, Response, chosen_reference, whole_number
from training.data.scenes.contrasts import ContrastPair, winoground_pair
from training.evaluation.pair_verdict import PairVerdict, judge_pair, verdict_of
from training.evaluation.winoground import REFERENCES, SCORES, figures_by_kind
from training.models.errors import UserError
from training.models.inline_image import data_url
from training.models.lru_cache import LRUCache

GENERATED = 10_000  # how many pairs of a kind can be browsed
MEASURED = 24  # generated pairs of a kind that the scores are measured on
SEED = 1  # of those; the pairs to browse have another


@lru_cache(maxsize=128)
def generated_pair(kind: str, i: int) -> ContrastPair:
    """Pair i of a kind, to browse."""
    return winoground_pair(0, i % GENERATED, kind, SIDE)


def browsed_pair(library: Library, request: Request) -> Response:
    """Pair request["i"] of a kind with its scores; caption k is true of image k alone."""
    encoder = text_encoder(library, request.get("collection"))[1]
    pair = generated_pair(str(request.get("kind")), whole_number(request.get("i")))
    images = [Image.fromarray(pixels) for pixels in (pair.image_0, pair.image_1)]
    captions = [pair.caption_0, pair.caption_1]
    thumbnails = [data_url(image) for image in images]
    return _response(judge_pair(encoder, images, captions), captions) | {"images": thumbnails, "kind": pair.kind}


def own_pair(library: Library, request: Request) -> Response:
    """Two images and two captions of a person's own, with their scores."""
    opened, encoder = text_encoder(library, request.get("collection"))
    given = list(request.get("images") or [])
    captions = [str(text).strip()[:500] for text in request.get("captions") or []]
    if len(given) != 2 or not all(given):
        raise UserError(_("Choose two images; the first belongs to the first caption."))
    if len(captions) != 2 or not all(captions):
        raise UserError(_("Write two captions, the first for the first image."))
    images = [chosen_reference(opened, fields) for fields in given]
    return _response(verdict_of(pair_scores(library, opened, encoder, images, captions)), captions)


def _response(verdict: PairVerdict, captions: list[str]) -> dict[str, Any]:
    """scores [2][2], images by captions, and which of text, image and group are won."""
    wins = {name: getattr(verdict, name) for name in SCORES}
    return {"scores": verdict.scores.tolist(), "wins": wins, "sentences": verdict.sentences, "captions": captions}


class PairFigures:
    """The scores of each encoder on generated pairs, measured once."""

    def __init__(self) -> None:
        self._figures: LRUCache[str, Response] = LRUCache(8)

    def of(self, library: Library, request: Request) -> Response:
        """Text, image and group score of every kind with intervals, beside chance."""
        encoder = text_encoder(library, request.get("collection"))[1]

        def measure() -> Response:
            chance = dict(zip(SCORES, REFERENCES["chance"], strict=True))
            return {"kinds": figures_by_kind(encoder, MEASURED, SEED), "chance": chance, "pairs": MEASURED}

        return self._figures.get_or_make(encoder.fingerprint, measure)
