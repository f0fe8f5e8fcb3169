"""A text tower stored with only those tokens that it was trained on.

CLIP's vocabulary has 49,408 tokens, and the captions of a small data set have a thousand of them. The rows of the
others never had a gradient, so they are left out of the file, and are zero when it is read: such a word says nothing.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

EMBEDDING = "token_embedding.weight"  # of open_clip's CLIP
ROWS = "token_embedding.rows"  # int32 [n] in a file: which tokens the n stored rows belong to


def only_rows(state: Mapping[str, Tensor], tokens: Tensor) -> dict[str, Tensor]:
    """The weights of a model with the embeddings of these tokens alone. tokens: int [n], each once."""
    return {**state, EMBEDDING: state[EMBEDDING][tokens], ROWS: tokens.to(torch.int32)}


def all_rows(state: Mapping[str, Tensor], vocabulary: int) -> dict[str, Tensor]:
    """The weights of a file with a row for each token, zero for those that `only_rows` left out."""
    if ROWS not in state:
        return dict(state)
    whole = dict(state)
    rows, stored = whole.pop(ROWS).long(), whole[EMBEDDING]
    whole[EMBEDDING] = stored.new_zeros(vocabulary, stored.shape[1]).index_copy(0, rows, stored)
    return whole


def rows_stored(path: Path) -> int:
    """How many tokens a safetensors file has rows of, 0 if `only_rows` left none out."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return int(file.get_slice(ROWS).get_shape()[0]) if ROWS in file.keys() else 0  # noqa: SIM118  # no mapping
