"""Configurations of towers by name: our own small ones, open_clip's, and timm's beside a text tower of open_clip."""

from collections.abc import Mapping
from copy import deepcopy
from difflib import get_close_matches
from typing import Any

from training.models.errors import UserError
from training.models.small_networks import SMALL_NETWORKS

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
TEXT_OF_TIMM = "ViT-B-32"  # whose text tower stands beside a tower of timm


def dual_encoder_config(
    architecture: str, text_tower: str | None, image_size: int | None, of_vision: Mapping[str, Any]
) -> dict[str, Any]:
    """open_clip's configuration of an image tower by name beside a text tower."""
    import open_clip

    if architecture in TINY:
        config = deepcopy(TINY[architecture])
    elif architecture in SMALL_NETWORKS:
        # The vision tower that open_clip would build is replaced, so it is the smallest there is.
        vision = {"image_size": 32, "layers": 1, "width": 32, "head_width": 32, "patch_size": 32}
        config = {"embed_dim": 128, "vision_cfg": vision | {"gelato_resnet": architecture}, "text_cfg": dict(TINY_TEXT)}
    elif architecture in open_clip.list_models():
        config = deepcopy(open_clip.get_model_config(architecture))
    else:
        config = _beside_timm(architecture)
    if text_tower:
        if text_tower not in TINY and text_tower not in open_clip.list_models():
            raise UserError(f"There is no text tower called {text_tower!r}.{nearest_names(text_tower)}")
        other = deepcopy(TINY.get(text_tower) or open_clip.get_model_config(text_tower))
        config["text_cfg"] = other["text_cfg"]
        config["custom_text"] = other.get("custom_text", False)
    config["vision_cfg"] |= {"image_size": image_size} if image_size else {}
    config["vision_cfg"] |= {name: value for name, value in of_vision.items() if value}
    return config


def _beside_timm(name: str) -> dict[str, Any]:
    """A tower of timm beside the text tower of TEXT_OF_TIMM, as open_clip configures such pairs."""
    import open_clip

    found = timm_settings(name)
    beside = open_clip.get_model_config(TEXT_OF_TIMM)
    vision = {
        "timm_model_name": name,
        "timm_model_pretrained": "." in name,
        "timm_pool": "",
        "timm_proj": "linear",
        "image_size": found.input_size[-1],
    }
    return {"embed_dim": beside["embed_dim"], "vision_cfg": vision, "text_cfg": beside["text_cfg"]}


def timm_settings(name: str) -> Any:
    """timm's own configuration of a model. UserError if timm has none of that name."""
    import timm

    if not timm.is_model(name):
        raise UserError(f"There is no tower called {name!r}.{nearest_names(name)}")
    return timm.get_pretrained_cfg(name)


def preprocess_config(vision: Mapping[str, Any]) -> dict[str, Any]:
    """open_clip's preprocess_cfg of a fresh tower: timm's statistics for its models, CLIP's for the rest."""
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


def nearest_names(name: str) -> str:
    """The nearest spellings and where to look for more."""
    import open_clip
    import timm

    near = get_close_matches(name, [*TINY, *SMALL_NETWORKS, *open_clip.list_models(), *timm.list_models()], n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    known = ", ".join([*TINY, *SMALL_NETWORKS, "starter"])
    return f"{hint} Choose {known}, an architecture of open_clip such as ViT-B-32, or a model of timm such as resnet18."


def weights_missing(tower: str) -> UserError:
    """What to raise where published weights cannot be had: it names what starts without."""
    scratch = tower.partition(".")[0]
    instead = f"{scratch} starts" if scratch != tower else f"tiny and {TEXT_OF_TIMM} start"
    return UserError(
        f"The weights of {tower} are not on this machine and cannot be fetched; as a tower to train, "
        f"{instead} from scratch."
    )
