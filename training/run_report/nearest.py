"""The nearest neighbours of held-out images under the encoder of a run."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.labels import ClassColumn
from training.data.pipeline import load_pixels
from training.evaluation.features import Features, SourceItems, embed_items, list_source
from training.evaluation.html_page import inline_image
from training.evaluation.rows import nearest
from training.evaluation.run_defaults import PRECISION, RUNTIME
from training.models.encoders import load_encoder
from training.pretrain import data_of

MOST, QUERIES, NEIGHBOURS = 256, 6, 6  # images that are embedded, and shown
SIDE = 88  # pixels


def neighbours(run: Path, document: Mapping[str, Any], source: str) -> str:
    """A row of images for each query: the query, then its neighbours with their cosines, as HTML.

    document: the run's config.json. source: held-out images, of which MOST are embedded, the same ones each time.
    A neighbour of another class than the query has a frame.
    """
    data = data_of(document)
    encoder = load_encoder(str(run), RUNTIME, PRECISION)
    listed = list_source(source, ClassColumn(data.label_column, data.class_depth), data.tables)
    some = np.sort(np.random.default_rng(0).permutation(len(listed.items))[:MOST])
    items = [listed.items[number] for number in some]
    sample = SourceItems(listed.name, items, listed.labels[some], listed.classes)
    found = embed_items(encoder, sample, lambda number: load_pixels(items[number], encoder))
    rows = [_row(found, query) for query in _queries(found.labels)] if len(found) > 1 else []
    framed = " A frame marks another class than that of the query." if found.classes else ""
    return (
        f"<p class=note>The first image of a row is the query; its nearest of {len(found):,} images of "
        f"{escape(source)} follow, with their cosine similarity.{framed}</p>"
        f"<div class=nearest>{''.join(rows)}</div>"
    )


def _queries(labels: NDArray[np.int64]) -> list[int]:
    """Images of different classes as far as there are such; evenly spaced without classes."""
    _, first = np.unique(labels, return_index=True)
    if len(first) < min(QUERIES, 2):
        first = np.arange(len(labels))
    return np.unique(first[np.linspace(0, len(first) - 1, QUERIES).astype(int)]).tolist()


def _row(found: Features, query: int) -> str:
    shown = [_figure(found, query, "", "")]
    for other in nearest(found.images, query, NEIGHBOURS):
        wrong = found.labels[query] >= 0 and found.labels[other] != found.labels[query]
        cosine = float(found.images[query] @ found.images[other])
        shown.append(_figure(found, other, f"{cosine:.2f} ", "other" if wrong else ""))
    return f"<div>{''.join(shown)}</div>"


def _figure(found: Features, number: int, before: str, kind: str) -> str:
    label = found.classes[found.labels[number]] if found.labels[number] >= 0 else ""
    text = label or next(iter(found.items[number].captions), "")
    return (
        f'<figure class="{kind}">{inline_image(found.image(number), SIDE, text)}'
        f"<figcaption>{escape(before + text)}</figcaption></figure>"
    )
