"""An image tower and a text tower into one space, as training sees them."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from training.models.backbone import Backbone
from training.models.pooled import image_rows, text_rows

Pretrained = Literal["nothing", "image", "all"]


class DualEncoder(nn.Module):
    """An image tower and a text tower into one space, of open_clip's interface.

    model: has visual(images [B, 3, H, W]) and encode_text(tokens [B, L]), each to [B, dim], and the
    parameters logit_scale (before the exponential) and logit_bias (or None). tokenizer: texts to int64
    [B, L]. made_of: what is needed to make it again without weights. pretrained: which weights are trained already:
    "nothing", "image" (an image tower of timm, without the projection into the shared space), or "all".
    """

    backbone: Backbone

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Callable[[list[str]], Tensor],
        backbone: Backbone,
        dim: int,
        made_of: Mapping[str, Any],
        pretrained: Pretrained = "nothing",
    ):
        super().__init__()
        self.model: Any = model
        self.tokenizer, self.dim, self.made_of = tokenizer, dim, dict(made_of)
        self.pretrained: Pretrained = pretrained
        object.__setattr__(self, "backbone", backbone)  # a view of model.visual, not a second copy in the state

    def encode_image(self, images: Tensor) -> Tensor:
        """Images [B, 3, H, W], normalised, to unit rows [B, dim]."""
        return nn.functional.normalize(image_rows(self.model.visual, images), dim=-1)

    def image_parts(self) -> list[Any]:
        """The pretrained parts of the image tower: of a timm tower, not the projection that is freshly initialised."""
        if self.pretrained == "all":
            return [self.model.visual]
        return [self.model.visual.trunk] if self.pretrained == "image" else []

    def text_parts(self) -> list[Any]:
        """The pretrained parts of the text tower: modules, and parameters beside them in open_clip's CLIP."""
        if self.pretrained != "all":
            return []
        if hasattr(self.model, "text"):
            return [self.model.text]
        names = ("transformer", "token_embedding", "ln_final", "positional_embedding", "text_projection")
        return [part for part in (getattr(self.model, name, None) for name in names) if part is not None]

    def init_logits(self, scale: float, bias: float | None) -> None:
        """Set the initial logit scale and bias, unless the weights bring them along."""
        config = self.made_of["model_cfg"]
        if self.pretrained != "all":
            with torch.no_grad():
                self.model.logit_scale.fill_(math.log(scale))
        if bias is not None and self.model.logit_bias is None:
            self.model.logit_bias = nn.Parameter(torch.tensor(bias))
            config["init_logit_bias"] = bias

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Tokens [B, L], whole or cut as `pooled` allows, to unit rows [B, dim]."""
        return nn.functional.normalize(text_rows(self.model, tokens), dim=-1)
