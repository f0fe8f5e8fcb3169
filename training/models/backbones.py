"""Image towers by name as backbones, for training on images and for image encoders; names as in `dual_encoders`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from training.models import hub
from training.models.backbone import HALF, Backbone
from training.models.dual_encoders import build_dual_encoder
from training.models.run_files import has_encoder, load_run_weights, read_encoder_config
from training.models.small_networks import SMALL_NETWORKS, small_network
from training.models.tower_configs import TINY, timm_settings, weights_missing

if TYPE_CHECKING:
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer


def build_backbone(tower: str, image_size: int | None = None, weights: bool = True) -> Backbone:
    """The image tower called tower without the projection that only text needs: images to features [B, width].

    weights: whether those that timm publishes are fetched; not where others are to be put in.
    """
    made_of = {"kind": "images", "tower": tower, "image_size": image_size}
    if tower == "starter":
        from training.models.starter import IMAGE_SIZE, image_backbone

        backbone = image_backbone()
        return Backbone(backbone.network, backbone.width, image_size or IMAGE_SIZE, HALF, HALF, made_of)
    if tower in SMALL_NETWORKS:
        return Backbone(
            small_network(tower), SMALL_NETWORKS[tower]["channels"][-1], image_size or 32, HALF, HALF, made_of
        )
    if has_encoder(tower):
        return _backbone_of_run(Path(tower))
    import open_clip

    if tower in TINY or tower.partition("/")[0] in open_clip.list_models():
        pair = build_dual_encoder(tower, image_size=image_size)
        network, width = _without_projection(pair.model.visual, pair.dim)
        size, mean, std = (pair.made_of["preprocess_cfg"][name] for name in ("size", "mean", "std"))
        return Backbone(network, width, size, mean, std, made_of)
    return timm_backbone(tower, image_size, made_of, pretrained=weights and "." in tower)


def timm_backbone(
    tower: str, image_size: int | None = None, made_of: Mapping[str, Any] | None = None, pretrained: bool = False
) -> Backbone:
    """A model of timm without its classifier; pretrained: with the weights that timm publishes."""
    import timm

    found = timm_settings(tower)
    settings: dict[str, Any] = {"num_classes": 0, "pretrained": pretrained}
    if image_size and found.fixed_input_size:  # a convolutional network takes images of any size
        settings["img_size"] = image_size
    try:
        network: Any = hub.made_with(lambda: timm.create_model(tower, **settings))
    except (OSError, RuntimeError) as error:
        raise weights_missing(tower) from error
    return Backbone(network, network.num_features, image_size or found.input_size[-1], found.mean, found.std, made_of)


def _without_projection(visual: "VisionTransformer | TimmModel", dim: int) -> tuple[nn.Module, int]:
    """An image tower of open_clip without its projection, and the width of its features."""
    if isinstance(getattr(visual, "proj", None), nn.Parameter):
        width = visual.proj.shape[0]
        visual.proj = None
        return visual, width
    if hasattr(visual, "trunk") and hasattr(visual, "head"):
        visual.head = nn.Identity()
        return visual, visual.trunk.num_features
    return visual, dim


def _backbone_of_run(run: Path) -> Backbone:
    config = read_encoder_config(run)
    if config["kind"] == "images":
        backbone = build_backbone(config["tower"], config["image_size"], weights=False)
        load_run_weights(backbone.network, run)
        return backbone
    pair = build_dual_encoder(str(run))
    network, width = _without_projection(pair.model.visual, pair.dim)
    size, mean, std = (config["preprocess_cfg"][name] for name in ("size", "mean", "std"))
    return Backbone(network, width, size, mean, std, {"kind": "images", "tower": config["tower"], "image_size": size})
