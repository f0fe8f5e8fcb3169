"""Encoders by name: ENCODERS is the registry of their families."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.published_names import is_timm_model, open_clip_tags

UNKNOWN = "unknown"  # the encoder of vectors that were imported without saying what made them

# Weights whose name stands for others now: what a collection says that made it, name and fingerprint, and their name.
RENAMED = {("starter", "e57b22edcf4db2a9"): "starter-1"}
# Weights that later ones have replaced which embed images alike, and texts better: fingerprints, old and new.
SAME_IMAGES = {"4116e050a8100547": "39173177469fdd73"}

Load = Callable[[str, str | None, str | None], Encoder]  # of a name, runtime and precision


@dataclass(frozen=True)
class EncoderFamily:
    """Encoders that are named and loaded in one way.

    names: how they are named, for messages. matches: whether a name is one of theirs; it must not import torch for
    names of other families. place: "file:function" in training/models, imported when one of them is loaded.
    """

    names: str
    matches: Callable[[str], bool]
    place: str

    def load(self, name: str, runtime: str | None, precision: str | None) -> Encoder:
        file, _, function = self.place.partition(":")
        load: Load = getattr(import_module(f"training.models.{file}"), function)
        return load(name, runtime, precision)


def load_encoder(name: str, runtime: str | None = None, precision: str | None = None) -> Encoder:
    """The encoder called name, ready to embed: of the first family in ENCODERS that the name matches.

    runtime: openvino or torch, precision: f32, bf16, f16 or int8; left out, the fastest that keep the vectors'
    direction. UserError for a name that leads nowhere or a model that cannot be fetched.
    """
    name = name.strip()
    if name == UNKNOWN:
        raise UserError(
            "What made these vectors is not known, so words find nothing in them: search by --like ID "
            "or --vector FILE, or import them again with --encoder NAME."
        )
    return family_of(name).load(name, runtime, precision)


def family_of(name: str) -> EncoderFamily:
    """The first family in ENCODERS that a name matches. UserError if there is none."""
    for family in ENCODERS:
        if name and family.matches(name):
            return family
    choices = ", ".join(family.names for family in ENCODERS)
    if not name:
        raise UserError(f"The name of the encoder is empty. Choose {choices}.")
    raise UserError(f"There is no encoder called {name!r}.{_hint(name)} Choose {choices}.")


def _hint(name: str) -> str:
    """What a name without a slash may have meant."""
    published = open_clip_tags()
    if tags := published.get(name):
        return f" It is an architecture of open_clip; its weights have a tag, such as {name}/{tags[0]}."
    near = get_close_matches(name, ["starter", *published], n=1)
    return f" Did you mean {near[0]}?" if near else ""


def newer(name: str) -> str | None:
    """The encoder that has taken the place of the one of that name, if one has."""
    return next((renamed for (renamed, _), now in RENAMED.items() if now == name), None)


def name_of(name: str, fingerprint: str) -> str:
    """What the encoder that a collection was made with, under that name, is called now."""
    return RENAMED.get((name, fingerprint), name)


def fingerprint_of(fingerprint: str) -> str:
    """The fingerprint of the weights that a collection's are searched with now."""
    return SAME_IMAGES.get(fingerprint, fingerprint)


def _is_run(name: str) -> bool:
    folder = Path(name).expanduser()
    return (folder / "encoder.json").is_file() or all((folder / f).is_file() for f in ("config.json", "metrics.jsonl"))


def _is_timm(name: str) -> bool:
    if "/" in name or Path(name).is_dir():
        return name.startswith("timm/")
    return is_timm_model(name)


def _is_open_clip(name: str) -> bool:
    return name.startswith("hf-hub:") or "/" in name or Path(name).is_dir()


ENCODERS: tuple[EncoderFamily, ...] = (
    EncoderFamily("starter", lambda name: name in ("starter", "starter-1"), "starter:load_starter"),
    EncoderFamily("zoo/NAME such as zoo/simclr", lambda name: name.startswith("zoo/"), "zoo:load_zoo"),
    EncoderFamily("a run directory of python -m training", _is_run, "run_encoder:load_run"),
    EncoderFamily("a timm model such as resnet18.a1_in1k, for images only", _is_timm, "timm_encoder:load_timm"),
    EncoderFamily(
        "an open_clip model: ARCHITECTURE/TAG such as ViT-B-32/laion2b_s34b_b79k, ARCHITECTURE/FILE, "
        "hf-hub:ORGANISATION/REPOSITORY or a folder with open_clip_config.json",
        _is_open_clip,
        "open_clip_encoder:load_open_clip",
    ),
)
