"""Towers by name: open_clip's, timm's, and a few that a processor can train. What they have is not written again.

A tower's name is one of TINY, an architecture of open_clip (`ViT-B-32`), one with published weights
(`ViT-B-32/laion2b_s34b_b79k`), a model of timm (`resnet18`), `starter` (the eye of the embedded default),
or a run directory to begin from.
"""

import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.models import hub
from training.models.backbone import HALF, Backbone
from training.models.errors import UserError
from training.models.pooled import image_rows, text_rows
from training.models.run_files import has_encoder, load_run_weights, read_encoder_config

TINY_TEXT = {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
TINY: dict[str, dict[str, Any]] = {  # open_clip configurations, so that open_clip loads what comes out
    "tiny": {
        "embed_dim": 128,
        "vision_cfg": {"image_size": 32, "layers": 4, "width": 192, "head_width": 32, "patch_size": 8},
        "text_cfg": TINY_TEXT,
    },
    "tiny-fine": {  # four times the patches: slower, and sees more
        "embed_dim": 128,
        "vision_cfg": {"image_size": 32, "layers": 4, "width": 128, "head_width": 32, "patch_size": 4},
        "text_cfg": TINY_TEXT,
    },
}
RESNETS: Mapping[str, dict[str, Any]] = {  # timm's ResNet with the stem that 32-pixel images need
    "micro-resnet": {"layers": (1, 1, 1, 1), "channels": (16, 32, 64, 128), "stride": 2},  # a run in minutes
    "tiny-resnet": {"layers": (1, 1, 1, 1), "channels": (32, 64, 128, 256)},
    "resnet18-32": {"layers": (2, 2, 2, 2), "channels": (64, 128, 256, 512)},
}
TEXT_OF_TIMM = "ViT-B-32"  # whose text tower stands beside a tower of timm


class Pair(nn.Module):
    """An image tower and a text tower into one space, of open_clip's interface.

    model: has visual(images [B, 3, H, W]) and encode_text(tokens [B, L]), each to [B, dim], and the
    parameters logit_scale (before the exponential) and logit_bias (or None). tokenizer: phrases to int64
    [B, L]. made_of: what is needed to make it again without weights. trained: what of it has learned
    already, "nothing", the "eye" (an image tower of timm, without the map to words), or "all".
    """

    backbone: Backbone

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Callable[[list[str]], Tensor],
        backbone: Backbone,
        dim: int,
        made_of: Mapping[str, Any],
        trained: str = "nothing",
    ):
        super().__init__()
        self.model: Any = model
        self.tokenizer, self.dim, self.made_of, self.trained = tokenizer, dim, dict(made_of), trained
        object.__setattr__(self, "backbone", backbone)  # a view of model.visual, not a second copy in the state

    def see(self, images: Tensor) -> Tensor:
        """Images [B, 3, H, W], normalised, to unit rows [B, dim]."""
        return nn.functional.normalize(image_rows(self.model.visual, images), dim=-1)

    def image_parts(self) -> list[Any]:
        """Everything that sees and has learned to: of a tower of timm, not the map to words that begins with it."""
        return {"all": [self.model.visual], "eye": [getattr(self.model.visual, "trunk", None)]}.get(self.trained, [])

    def text_parts(self) -> list[Any]:
        """Everything that reads and has learned to: modules, and parameters beside them in open_clip's CLIP."""
        if self.trained != "all":
            return []
        if hasattr(self.model, "text"):
            return [self.model.text]
        names = ("transformer", "token_embedding", "ln_final", "positional_embedding", "text_projection")
        return [part for part in (getattr(self.model, name, None) for name in names) if part is not None]

    def start(self, scale: float, bias: float | None) -> None:
        """Where the temperature and the bias begin, unless the weights bring them along."""
        config = self.made_of["model_cfg"]
        if self.trained != "all":
            with torch.no_grad():
                self.model.logit_scale.fill_(math.log(scale))
        if bias is not None and self.model.logit_bias is None:
            self.model.logit_bias = nn.Parameter(torch.tensor(bias))
            config["init_logit_bias"] = bias

    def read(self, tokens: Tensor) -> Tensor:
        """Tokens [B, L], whole or cut as `pooled` allows, to unit rows [B, dim]."""
        return nn.functional.normalize(text_rows(self.model, tokens), dim=-1)


def build_pair(tower: str, text_tower: str | None = None, image_size: int | None = None, **of_vision: Any) -> Pair:
    """The two towers called tower, freshly initialised unless the name says otherwise.

    text_tower: an open_clip architecture whose text tower (and tokenizer) is used in the place of the
    tower's own. image_size: in the place of the tower's own. of_vision: further settings of open_clip's
    vision_cfg, such as patch_dropout. UserError for a name that leads nowhere.
    """
    run = has_encoder(tower)
    if tower == "starter":
        return _beside_the_eye(text_tower, image_size)
    if not run and "/" not in tower:
        return pair_of(pair_config(tower, text_tower, image_size, of_vision), tower)
    if text_tower or image_size:
        raise UserError(f"The weights of {tower} fit its own text tower and image size only; leave them be.")
    return _pair_of_run(Path(tower)) if run else _pretrained(tower, of_vision)


def pair_of(like: Mapping[str, Any], tower: str, preprocess: Mapping[str, Any] | None = None) -> Pair:
    """A fresh pair from an open_clip configuration (embed_dim, vision_cfg, text_cfg, ...)."""
    from open_clip.model import CLIP, CustomTextCLIP

    config = deepcopy(dict(like))
    vision, text = config["vision_cfg"], config["text_cfg"]
    resnet = vision.pop("gelato_resnet", None)
    custom = config.pop("custom_text", False) or "hf_model_name" in text
    try:
        model: Any = hub.made_with(lambda: (CustomTextCLIP if custom else CLIP)(**deepcopy(config)))
    except OSError as error:  # weights that timm or transformers publish
        raise _not_here(tower) from error
    if resnet:
        model.visual = nn.Sequential(_resnet(resnet), nn.Linear(RESNETS[resnet]["channels"][-1], config["embed_dim"]))
        vision["gelato_resnet"] = resnet
    if custom:
        config["custom_text"] = True
    eye = vision.get("timm_model_pretrained", False)
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False  # whoever makes it again has weights of their own
    preprocess = dict(preprocess or _preprocess(vision))
    model.visual.preprocess_cfg = preprocess
    size = preprocess["size"]
    backbone = Backbone(model.visual, config["embed_dim"], size, preprocess["mean"], preprocess["std"])
    made_of = {"kind": "pair", "tower": tower, "model_cfg": config, "preprocess_cfg": preprocess}
    return Pair(model, tokenizer_of(text), backbone, config["embed_dim"], made_of, "eye" if eye else "nothing")


def _beside_the_eye(text_tower: str | None, image_size: int | None) -> Pair:
    """The eye of the embedded default, which pip installs, beside a text tower that is to learn."""
    from training.models.starter import EYE_NAME, eye

    config = pair_config(EYE_NAME, text_tower, image_size, {})
    pair = pair_of(config, "starter", _preprocess(config["vision_cfg"]) | {"mean": list(HALF), "std": list(HALF)})
    pair.model.visual.trunk.load_state_dict(eye().network.state_dict())
    pair.trained = "eye"
    return pair


def pair_config(
    architecture: str, text_tower: str | None, image_size: int | None, of_vision: Mapping[str, Any]
) -> dict[str, Any]:
    """open_clip's configuration of an image tower by name beside a text tower."""
    import open_clip

    if architecture in TINY:
        config = deepcopy(TINY[architecture])
    elif architecture in RESNETS:
        # The vision tower that open_clip would build is replaced, so it is the smallest there is.
        vision = {"image_size": 32, "layers": 1, "width": 32, "head_width": 32, "patch_size": 32}
        config = {"embed_dim": 128, "vision_cfg": vision | {"gelato_resnet": architecture}, "text_cfg": dict(TINY_TEXT)}
    elif architecture in open_clip.list_models():
        config = deepcopy(open_clip.get_model_config(architecture))
    else:
        config = _timm_config(architecture)
    if text_tower:
        if text_tower not in TINY and text_tower not in open_clip.list_models():
            raise UserError(f"There is no text tower called {text_tower!r}.{_near(text_tower)}")
        other = deepcopy(TINY.get(text_tower) or open_clip.get_model_config(text_tower))
        config["text_cfg"] = other["text_cfg"]
        config["custom_text"] = other.get("custom_text", False)
    config["vision_cfg"] |= {"image_size": image_size} if image_size else {}
    config["vision_cfg"] |= {name: value for name, value in of_vision.items() if value}
    return config


def build_backbone(tower: str, image_size: int | None = None, weights: bool = True) -> Backbone:
    """The image tower called tower without the projection that only words need: images to features [B, width].

    weights: whether those that timm publishes are fetched; not where others are to be put in.
    """
    made_of = {"kind": "images", "tower": tower, "image_size": image_size}
    if tower == "starter":
        from training.models.starter import IMAGE_SIZE, eye

        backbone = eye()
        return Backbone(backbone.network, backbone.width, image_size or IMAGE_SIZE, HALF, HALF, made_of)
    if tower in RESNETS:
        return Backbone(_resnet(tower), RESNETS[tower]["channels"][-1], image_size or 32, HALF, HALF, made_of)
    if has_encoder(tower):
        return _backbone_of_run(Path(tower))
    import open_clip

    if tower in TINY or tower.partition("/")[0] in open_clip.list_models():
        pair = build_pair(tower, image_size=image_size)
        network, width = _without_projection(pair.model.visual, pair.dim)
        size, mean, std = (pair.made_of["preprocess_cfg"][name] for name in ("size", "mean", "std"))
        return Backbone(network, width, size, mean, std, made_of)
    return timm_backbone(tower, image_size, made_of, trained=weights and "." in tower)


def tokenizer_of(text_cfg: Mapping[str, Any]) -> Callable[[list[str]], Tensor]:
    """The tokenizer that open_clip gives a text tower."""
    from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, HFTokenizer, SimpleTokenizer

    length = text_cfg.get("context_length", DEFAULT_CONTEXT_LENGTH)
    settings = dict(text_cfg.get("tokenizer_kwargs") or {})
    if not text_cfg.get("hf_tokenizer_name"):
        return SimpleTokenizer(context_length=length, **settings)
    try:
        mode = text_cfg.get("tokenizer_mode")
        name = text_cfg["hf_tokenizer_name"]
        return hub.made_with(lambda: HFTokenizer(name, context_length=length, tokenizer_mode=mode, **settings))
    except (OSError, ValueError) as error:
        raise UserError(
            f"The tokenizer {text_cfg['hf_tokenizer_name']} is not on this machine and cannot be fetched; "
            f"a text tower with open_clip's own tokenizer works offline, such as --text-tower ViT-B-32."
        ) from error


def _resnet(name: str) -> nn.Module:
    """timm's ResNet for small images: a 3 x 3 stem that keeps the resolution (or halves it), no pooling."""
    from timm.models.resnet import BasicBlock, ResNet

    settings = dict(RESNETS[name])
    stride = settings.pop("stride", 1)
    block: Any = BasicBlock  # timm's annotation says an instance
    network: Any = ResNet(block, num_classes=0, stem_width=settings["channels"][0], **settings)
    network.conv1 = nn.Conv2d(3, network.conv1.out_channels, 3, stride, padding=1, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    network.maxpool = nn.Identity()
    return network


def _preprocess(vision: Mapping[str, Any]) -> dict[str, Any]:
    """How images are made ready: timm's own statistics for its models, CLIP's for the rest."""
    from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD

    mean, std = OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
    if "timm_model_name" in vision:
        import timm

        found = timm.get_pretrained_cfg(vision["timm_model_name"])
        mean, std = (found.mean, found.std) if found else (mean, std)
    size = vision["image_size"]
    return {
        "size": size if isinstance(size, int) else size[0],
        "mode": "RGB",
        "mean": list(mean),
        "std": list(std),
        "interpolation": "bicubic",
        "resize_mode": "shortest",
        "fill_color": 0,
    }


def _timm_config(name: str) -> dict[str, Any]:
    """A tower of timm beside the text tower of TEXT_OF_TIMM, as open_clip configures such pairs."""
    import open_clip

    found = _timm_facts(name)
    beside = open_clip.get_model_config(TEXT_OF_TIMM)
    vision = {
        "timm_model_name": name,
        "timm_model_pretrained": "." in name,
        "timm_pool": "",
        "timm_proj": "linear",
        "image_size": found.input_size[-1],
    }
    return {"embed_dim": beside["embed_dim"], "vision_cfg": vision, "text_cfg": beside["text_cfg"]}


def _timm_facts(name: str) -> Any:
    import timm

    if not timm.is_model(name):
        raise UserError(f"There is no tower called {name!r}.{_near(name)}")
    return timm.get_pretrained_cfg(name)


def _near(name: str) -> str:
    """The nearest spellings and where to look for more."""
    import open_clip
    import timm

    near = get_close_matches(name, [*TINY, *RESNETS, *open_clip.list_models(), *timm.list_models()], n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    known = ", ".join([*TINY, *RESNETS, "starter"])
    return f"{hint} Choose {known}, an architecture of open_clip such as ViT-B-32, or a model of timm such as resnet18."


def timm_backbone(
    tower: str, image_size: int | None = None, made_of: Mapping[str, Any] | None = None, trained: bool = False
) -> Backbone:
    """A model of timm without its classifier; trained: with the weights that timm publishes."""
    import timm

    found = _timm_facts(tower)
    settings: dict[str, Any] = {"num_classes": 0, "pretrained": trained}
    if image_size and found.fixed_input_size:  # a convolutional network takes images of any size
        settings["img_size"] = image_size
    try:
        network: Any = hub.made_with(lambda: timm.create_model(tower, **settings))
    except (OSError, RuntimeError) as error:
        raise _not_here(tower) from error
    return Backbone(network, network.num_features, image_size or found.input_size[-1], found.mean, found.std, made_of)


def _not_here(tower: str) -> UserError:
    scratch = tower.partition(".")[0]
    instead = f"{scratch} starts" if scratch != tower else f"tiny and {TEXT_OF_TIMM} start"
    return UserError(
        f"The weights of {tower} are not on this machine and cannot be fetched; as a tower to train, "
        f"{instead} from scratch."
    )


def _without_projection(visual: Any, dim: int) -> tuple[nn.Module, int]:
    """An image tower of open_clip as features, and how wide they are."""
    if isinstance(getattr(visual, "proj", None), nn.Parameter):
        width = visual.proj.shape[0]
        visual.proj = None
        return visual, width
    if hasattr(visual, "trunk") and hasattr(visual, "head"):
        visual.head = nn.Identity()
        return visual, visual.trunk.num_features
    return visual, dim


def _pretrained(tower: str, of_vision: Mapping[str, Any]) -> Pair:
    """Published weights, from this machine or the hub, found as search finds them."""
    import open_clip

    from training.models.open_clip_weights import open_model

    model, tokenizer, _ = open_model(tower)
    model.train().requires_grad_(True)
    architecture, _, tag = tower.partition("/")
    if tower.startswith("hf-hub:"):
        config = deepcopy(open_clip.get_model_config(tower))
    else:
        config = pair_config(architecture, None, None, {})
        if (open_clip.get_pretrained_cfg(architecture, tag) or {}).get("quick_gelu"):
            config["quick_gelu"] = True  # open_clip decides it by the tag, and the weights need it
    if model.logit_bias is not None:
        config["init_logit_bias"] = float(model.logit_bias.detach())
    if rate := of_vision.get("patch_dropout"):
        from open_clip.transformer import PatchDropout

        model.visual.patch_dropout = PatchDropout(rate)
    preprocess = dict(model.visual.preprocess_cfg)
    backbone = Backbone(model.visual, config["embed_dim"], preprocess["size"], preprocess["mean"], preprocess["std"])
    made_of = {"kind": "pair", "tower": tower, "model_cfg": config, "preprocess_cfg": preprocess}
    return Pair(model, tokenizer, backbone, config["embed_dim"], made_of, trained="all")


def _pair_of_run(run: Path) -> Pair:
    facts = read_encoder_config(run)
    if facts["kind"] != "pair":
        raise UserError(f"{run} sees images only and has no text tower; begin from a run of clip or siglip.")
    pair = pair_of(facts["model_cfg"], facts["tower"], facts["preprocess_cfg"])
    load_run_weights(pair.model, run)
    pair.trained = "all"
    return pair


def _backbone_of_run(run: Path) -> Backbone:
    facts = read_encoder_config(run)
    if facts["kind"] == "images":
        backbone = build_backbone(facts["tower"], facts["image_size"], weights=False)
        load_run_weights(backbone.network, run)
        return backbone
    pair = _pair_of_run(run)
    network, width = _without_projection(pair.model.visual, pair.dim)
    size, mean, std = (facts["preprocess_cfg"][name] for name in ("size", "mean", "std"))
    return Backbone(network, width, size, mean, std, {"kind": "images", "tower": facts["tower"], "image_size": size})
