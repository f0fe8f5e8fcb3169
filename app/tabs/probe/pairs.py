"""Winoground on the page: generated pairs to browse, a person's own, and the scores on many."""

from app.language.current import _
from app.state.library import Library
from app.state.pairs import example_images, judged_example, judged_pair
from app.state.probe_request import Request, Response, chosen_reference, whole_number
from app.state.text_encoder import text_encoder
from training.evaluation.winoground import REFERENCES, SCORES, figures_by_kind
from training.models.errors import UserError
from training.models.inline_image import data_url
from training.models.lru_cache import LRUCache

MEASURED = 24  # generated pairs of a kind that the scores are measured on
SEED = 1  # of those; the pairs to browse have another


def browsed_pair(library: Library, request: Request) -> Response:
    """Pair request["i"] of a kind with its scores; caption k is true of image k alone."""
    encoder = text_encoder(library, request.get("collection"))[1]
    kind, i = str(request.get("kind")), whole_number(request.get("i"))
    return judged_example(encoder, kind, i) | {"images": list(map(data_url, example_images(kind, i))), "kind": kind}


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
    return judged_pair(library, opened, encoder, images, captions)


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
