"""What CLIP, SigLIP and DeViSE share: an image tower, a text tower, and image-text pairs."""

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from training.data.batch import Augment, Batch, moved
from training.data.views import CROP, View
from training.methods.base import Separable
from training.methods.rows import effective_rank
from training.models.backbone import Backbone
from training.models.dual_encoder import DualEncoder
from training.models.errors import UserError
from training.models.knobs import Knobs, knob
from training.models.pooled import ending_of

CACHED_CAPTIONS = 100_000  # captions whose tokens are cached

# Words of one category: exchanging two of them in a caption gives a plausible caption that is wrong.
CATEGORIES = (
    "red orange yellow green blue purple pink brown black white grey gray golden silver",
    "one two three four five six seven eight nine ten",
    "small big little large tiny huge short tall long",
    "left right above below behind under over inside outside",
    "striped dotted plain checked spotted",
    "young old new ancient",
    "wooden metal plastic glass stone",
)
CATEGORY_OF = {word: number for number, words in enumerate(CATEGORIES) for word in words.split()}
STOP = (  # words that are not exchanged, since they carry too little meaning
    " a an the of in on at to by for with and or is are was were be its it his her their this that these those "
    "from as photo picture image drawing there some "
)


class TwoTowers(Separable):
    """Image-text pairs, embedded by two towers into unit rows of one space."""

    needs_captions = True
    pair: DualEncoder

    @dataclass(frozen=True, kw_only=True)
    class Config(Knobs):
        crop: float = knob(
            0.9, "smallest random crop, as a fraction of the image's area; 1 disables cropping", range=CROP
        )
        lock_image: bool = knob(False, "freeze the image tower (LiT)")
        lock_text: bool = knob(False, "freeze the text tower")
        multi_positive: bool = knob(False, "treat all images of a batch with the same caption as positives")

    def __init__(self, pair: DualEncoder, config: Config):
        super().__init__()
        self.pair, self.config = pair, config
        self.augment = PairViews(pair, config.crop, getattr(config, "hard_negatives", False))
        fresh = (config.lock_image and not pair.image_parts()) or (config.lock_text and not pair.text_parts())
        if fresh:
            raise UserError(
                f"The tower of {pair.made_of['tower']} is freshly initialised, so locking it would keep random "
                f"weights. Name one with trained weights: a run directory, ViT-B-32/laion2b_s34b_b79k, or starter "
                f"(for its image tower)."
            )
        for part in self._locked():
            part.requires_grad_(False)
        self.last_batch: tuple[Tensor, ...] = ()  # for report

    @property
    def backbone(self) -> Backbone:  # type: ignore[override]  # the pair's own, not a copy
        return self.pair.backbone

    def train(self, mode: bool = True) -> "TwoTowers":
        """Locked towers stay in eval mode."""
        super().train(mode)
        for part in self._locked():
            if isinstance(part, torch.nn.Module):
                part.eval()
        return self

    def embed(self, images: Tensor, tokens: Tensor, identity: Tensor, *negatives: Tensor) -> tuple[Tensor, ...]:
        """Unit rows [B, dim] of images and captions, and the captions' identities [B].

        negatives: tokens of hard negative captions, zeros where there is none; their unit rows come last.
        """
        image, text = self.pair.encode_image(images), self.pair.encode_text(tokens)
        negative_rows = [self.pair.encode_text(of) * of.any(dim=1, keepdim=True) for of in negatives]
        return image, text, identity, *negative_rows

    def record_batch(self, image: Tensor, identity: Tensor, texts: Tensor, captions: Tensor) -> None:
        """Keep this rank's images with the captions of all ranks for report."""
        self.last_batch = (image.detach(), identity, texts.detach(), captions)

    def report(self) -> dict[str, float]:
        """scale, and of the last batch: duplicates (fraction of captions that another image has too), floor (the
        lowest loss that these duplicates allow), accuracy (images whose nearest caption is theirs), effective_rank.
        """
        scale = {"scale": float(self.pair.model.logit_scale.detach().exp())}
        if not self.last_batch:
            return scale
        image, identity, texts, captions = self.last_batch
        with torch.no_grad():
            equal = (identity[:, None] == captions[None]).sum(dim=1).double()
            nearest = captions[(image.float() @ texts.float().T).argmax(dim=1)]
        return scale | {
            "duplicates": float((equal > 1).double().mean()),
            "floor": float(equal.log().mean()),
            "accuracy": float((nearest == identity).double().mean()),
            "effective_rank": effective_rank(image),
        }

    def product(self) -> tuple[dict[str, Any], torch.nn.Module]:
        return self.pair.made_of, self.pair.model

    def _locked(self) -> list[Any]:
        """The frozen modules and parameters."""
        images = self.pair.image_parts() if self.config.lock_image else []
        return images + (self.pair.text_parts() if self.config.lock_text else [])


class PairViews(Augment):
    """Turns a batch into crops, tokens of one caption per image, the captions' identities, and hard negatives."""

    def __init__(self, pair: DualEncoder, crop: float, hard_negatives: bool):
        self.view = View(pair.backbone.image_size, (crop, 1.0), flip=0.0, jitter=0.0, grey=0.0)
        self.hard_negatives = hard_negatives
        self.mean, self.std = (torch.tensor(v).view(1, 3, 1, 1) for v in (pair.backbone.mean, pair.backbone.std))
        self.tokenizer, self.ending = pair.tokenizer, ending_of(pair.model)
        self.token_cache: dict[str, Tensor] = {}

    def __call__(self, batch: Batch) -> tuple[Tensor, ...]:
        batch = batch if batch.texts else self.prepare(batch)
        images = self.view(batch.images.float().div_(255), batch.random, batch.aspects)
        mean, std = moved(self.mean, images.device), moved(self.std, images.device)
        return images.sub_(mean).div_(std), *batch.texts

    def prepare(self, batch: Batch) -> Batch:
        """Tokens of one caption for each image, the captions' identities, and tokens of hard negatives."""
        chosen = batch.random.uniform(1)[:, 0]
        captions = [texts[int(u * len(texts))] for texts, u in zip(batch.captions, chosen.tolist(), strict=True)]
        identity = torch.tensor([caption_number(caption) for caption in captions])
        rest = self.beside(batch, captions)
        tokens = self._cut([self._tokens(caption) for caption in captions])
        return replace(batch, captions=[], texts=(tokens, identity, *rest))

    def beside(self, batch: Batch, captions: list[str]) -> tuple[Tensor, ...]:
        """Further arguments for the captions that were drawn: tokens of hard negatives, if there are to be any."""
        if not self.hard_negatives:
            return ()
        draws = batch.random.uniform(1)[:, 0].tolist()
        negatives = [exchanged(caption, u) for caption, u in zip(captions, draws, strict=True)]
        empty = torch.zeros_like(self._tokens("a"))
        return (self._cut([self._tokens(text) if text else empty for text in negatives]),)

    def _cut(self, captions: list[Tensor]) -> Tensor:
        """Tokens [B, L], cut to the longest caption if the text tower allows it."""
        tokens = torch.stack(captions)
        return self.ending.cut(tokens) if self.ending else tokens

    def _tokens(self, text: str) -> Tensor:
        tokens = self.token_cache.get(text)
        if tokens is None:
            if len(self.token_cache) >= CACHED_CAPTIONS:
                self.token_cache.clear()
            self.token_cache[text] = tokens = self.tokenizer([text])[0]
        return tokens


def caption_number(text: str) -> int:
    """A 64-bit hash of a caption, equal for captions that differ only in case and white space."""
    normalised = " ".join(text.lower().split())
    return int.from_bytes(hashlib.blake2b(normalised.encode(), digest_size=8).digest(), "big", signed=True)


def exchanged(text: str, draw: float) -> str:
    """A hard negative caption: the text with two of its words exchanged (NegCLIP), or "" if that is not possible.

    Two words of one category (two colours, two numbers) are preferred. draw: in 0..1, selects the pair.
    """
    words = re.findall(r"\w+|\W+", text)
    places = [i for i, word in enumerate(words) if word.strip().isalnum() and f" {word.lower()} " not in STOP]
    pairs = [(i, j) for i in places for j in places if i < j and words[i].lower() != words[j].lower()]
    alike = [(i, j) for i, j in pairs if CATEGORY_OF.get(words[i].lower(), -1) == CATEGORY_OF.get(words[j].lower(), -2)]
    choices = alike or pairs
    if not choices:
        return ""
    i, j = choices[int(draw * len(choices))]
    words[i], words[j] = words[j], words[i]
    return "".join(words)
