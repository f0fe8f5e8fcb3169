"""An encoder by name: the embedded default, an open_clip model, or a folder."""

from pathlib import Path

from training.models.encoder import Encoder
from training.models.errors import UserError

UNKNOWN = "unknown"  # the encoder of vectors that were imported without saying what made them


def load_encoder(name: str, runtime: str | None = None, precision: str | None = None) -> Encoder:
    """The encoder called name, ready to embed.

    name: `starter`; `ARCHITECTURE/TAG` as open_clip lists them; `ARCHITECTURE/FILE` for a checkpoint;
    `hf-hub:ORGANISATION/REPOSITORY`; a model of timm (`resnet18.a1_in1k`), which sees images only; a run
    directory of `python -m training`; or a folder with open_clip_config.json. runtime: openvino or torch,
    precision: f32, bf16, f16 or int8; left out, the fastest that keeps the vectors' direction. UserError for a name
    that leads nowhere or a model that cannot be fetched.
    """
    name = name.strip()
    if name == UNKNOWN:
        raise UserError(
            "What made these vectors is not known, so words find nothing in them: search by --like ID "
            "or --vector FILE, or import them again with --encoder NAME."
        )
    if name == "starter":
        from training.models.starter import load_starter

        return load_starter(runtime, precision)
    if (Path(name).expanduser() / "encoder.json").is_file():
        from training.models.run_encoder import load_trained

        return load_trained(Path(name).expanduser(), runtime, precision)
    if (Path(name).expanduser() / "config.json").is_file() and (Path(name).expanduser() / "metrics.jsonl").is_file():
        raise UserError(f"The run {name} has no weights yet; it writes them with its first checkpoint.")
    if name.startswith("timm/") or ("/" not in name and _is_timm(name)):
        from training.models.run_encoder import load_timm

        return load_timm(name.removeprefix("timm/"), runtime, precision)
    if name.startswith("hf-hub:") or "/" in name or Path(name).is_dir():
        from training.models.open_clip_encoder import load_pretrained

        return load_pretrained(name, runtime, precision)
    raise UserError(
        f"There is no encoder called {name!r}. Choose starter, an open_clip model such as "
        f"ViT-B-32/laion2b_s34b_b79k, hf-hub:ORGANISATION/REPOSITORY, a run directory, or a folder with "
        f"open_clip_config.json."
    )


def _is_timm(name: str) -> bool:
    import timm

    return not Path(name).is_dir() and timm.is_model(name)
