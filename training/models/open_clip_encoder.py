"""open_clip models as encoders, run from exported towers where those exist."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from training.models.catalogue import catalogue_model
from training.models.encoder import Encoder, Pixels, Vectors, unit
from training.models.errors import UserError
from training.models.half_precision import TEXTS
from training.models.metadata_cache import read_metadata, write_metadata
from training.models.open_clip_names import find_source
from training.models.open_clip_weights import fetch_missing, hash_file, load_tokenizer, needs_quick_gelu, open_model
from training.models.openvino_runtime import Tower, export_apart, is_exported
from training.models.preprocess import Preprocessing
from training.models.runtime import image_module, load_tower, resolve

if TYPE_CHECKING:
    import torch
    from open_clip import CLIP, CustomTextCLIP


@dataclass(frozen=True, kw_only=True)
class OpenClipMetadata:
    """All that embedding by the exported towers of an open_clip model needs besides them.

    preprocess: open_clip's preprocess_cfg. tokenizer: its class; length: how many tokens it gives, None if it does not
    say. weights: what identifies them. quick_gelu: whether they run with QuickGELU because their tag says so, where
    the architecture's configuration does not.
    """

    preprocess: dict[str, Any]
    tokenizer: str
    length: int | None
    weights: str
    dim: int
    logit_scale: float
    logit_bias: float | None
    parameters: int
    quick_gelu: bool

    @classmethod
    def of(
        cls, model: "CLIP | CustomTextCLIP", tokenizer: Callable[..., Any], weights: str, quick_gelu: bool = False
    ) -> "OpenClipMetadata":
        import torch

        preprocess = model.visual.preprocess_cfg
        size = preprocess["size"]
        with torch.no_grad():
            dim = model.visual(torch.zeros(1, 3, *((size, size) if isinstance(size, int) else size))).shape[1]
        bias = getattr(model, "logit_bias", None)
        return cls(
            preprocess=dict(preprocess),
            tokenizer=type(tokenizer).__name__,
            length=getattr(tokenizer, "context_length", None),
            weights=weights,
            dim=dim,
            logit_scale=float(model.logit_scale.detach().exp()),
            logit_bias=None if bias is None else float(bias.detach()),
            parameters=sum(tensor.numel() for tensor in model.parameters()),
            quick_gelu=quick_gelu,
        )

    @classmethod
    def cached(cls, name: str) -> "OpenClipMetadata | None":
        """What was written when the model called name was opened; None if nothing was, or by an older version."""
        found = read_metadata(name)
        return cls(**found) if found is not None and set(found) == {field.name for field in fields(cls)} else None

    @property
    def fingerprint(self) -> str:
        settings = json.dumps([self.preprocess, self.tokenizer, self.length], sort_keys=True, default=str)
        activation = "quick_gelu" if self.quick_gelu else ""
        return hashlib.sha256(f"{self.weights}{settings}{activation}".encode()).hexdigest()[:16]


class OpenClipEncoder(Encoder):
    """An open_clip model as an encoder. model, tokenizer: return open_clip's own; called only where they are needed."""

    cache_texts = True

    def __init__(
        self,
        name: str,
        metadata: OpenClipMetadata,
        model: Callable[[], Any],
        tokenizer: Callable[[], Callable[..., Any]],
        runtime: str,
        precision: str,
    ):
        self.name, self.runtime, self.precision = name, runtime, precision
        self.preprocess_cfg, self.fingerprint, self.dim = metadata.preprocess, metadata.fingerprint, metadata.dim
        self.logit_scale, self.logit_bias = metadata.logit_scale, metadata.logit_bias
        self.parameters = metadata.parameters
        size = self.preprocess_cfg["size"]
        self.image_size = size if isinstance(size, int) else size[0]
        if not isinstance(size, int) and len(set(size)) != 1:
            raise UserError(f"{name} wants images of {size[0]} by {size[1]} pixels; only square ones are supported.")
        cfg = self.preprocess_cfg
        self.preprocessing = Preprocessing(self.image_size, cfg["resize_mode"], cfg["interpolation"], cfg["fill_color"])
        self._model, self._open_tokenizer = model, tokenizer

    @cached_property
    def _image_tower(self) -> Tower:
        """Loaded with the first image: a search by text never needs it."""
        return load_tower(
            lambda: image_module(self._model().visual, self.preprocess_cfg["mean"], self.preprocess_cfg["std"]),
            np.zeros((1, self.image_size, self.image_size, 3), np.uint8),
            f"{self.fingerprint}-image",
            self.runtime,
            self.precision,
            streams=True,
        )

    @cached_property
    def _text_tower(self) -> Tower:
        """Loaded with the first text: a build never needs it."""
        tokens, key = self.tokens(["an image"]), f"{self.fingerprint}-text"
        return load_tower(
            lambda: _text_module(self._model()),
            tokens,
            key,
            self.runtime,
            self.precision,
            trial=lambda: self.tokens(list(TEXTS)),
        )

    @cached_property
    def tokenizer(self) -> Callable[..., Any]:
        return self._open_tokenizer()

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        return unit(self._image_tower(pixels))

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        return unit(self._text_tower(self.tokens(texts)))

    def tokens(self, texts: list[str]) -> np.ndarray:
        return self.tokenizer(texts).numpy().astype(np.int64)


def _text_module(model: "CLIP | CustomTextCLIP") -> "torch.nn.Module":
    import torch

    class Text(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return self.model.encode_text(tokens)

    return Text()


def load_open_clip(name: str, runtime: str | None = None, precision: str | None = None) -> OpenClipEncoder:
    """The open_clip model called name.

    name: ARCHITECTURE/TAG, ARCHITECTURE/FILE, hf-hub:ORGANISATION/REPOSITORY, or a folder. UserError
    within 3 seconds if it is not on this machine and cannot be fetched, or its name leads nowhere.
    """
    runtime, precision = resolve(runtime, precision)
    if runtime == "openvino":
        metadata = _cached_metadata(name, precision)
        if metadata is None:
            find_source(name)  # a name that leads nowhere is said before a process is started
            if catalogue_model(name) or name.startswith("hf-hub:"):  # other names would load torch into this process
                fetch_missing(name)
            export_apart("training.models.open_clip_encoder", name, precision)
            metadata = _cached_metadata(name, precision)
        if metadata is not None:
            opened = cache(lambda: open_model(name)[0])
            return OpenClipEncoder(name, metadata, opened, lambda: load_tokenizer(name), runtime, precision)
    model, tokenizer, files = open_model(name)
    source = find_source(name)
    quick_gelu = needs_quick_gelu(source.model, source.weights)
    metadata = OpenClipMetadata.of(model, tokenizer, hash_file(files[0]), quick_gelu)
    if runtime == "openvino":
        write_metadata(name, asdict(metadata), files)
    return OpenClipEncoder(name, metadata, lambda: model, lambda: tokenizer, runtime, precision)


def _cached_metadata(name: str, precision: str) -> OpenClipMetadata | None:
    """The metadata of a model whose image tower is exported, so that it runs without its weights; else None."""
    metadata = OpenClipMetadata.cached(name)
    return metadata if metadata and is_exported(f"{metadata.fingerprint}-image", precision) else None


def export(name: str, precision: str) -> None:
    """Make what opening the model again without torch and its weights takes."""
    import torch  # noqa: F401  # so that this process exports, and starts none

    try:
        encoder = load_open_clip(name, "openvino", precision)
        encoder.embed_images([Image.new("RGB", (encoder.image_size, encoder.image_size))])
        encoder.embed_texts(["an image"])
    except UserError as error:
        print(error)
        raise SystemExit(1) from error


if __name__ == "__main__":
    import sys

    from training.models.processes import end_with_parent

    end_with_parent()
    export(*sys.argv[1:])
