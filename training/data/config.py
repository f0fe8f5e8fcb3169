"""What a run learns from, and which towers learn: the settings that are not the engine's."""

from dataclasses import dataclass

from training.data.pixel_cache import MOST_CACHED
from training.models.errors import UserError
from training.models.knobs import knob


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What a run learns from, and the towers that learn."""

    data: tuple[str, ...] = knob((), "a folder, CSV, parquet, tar shards; again for a mixture")
    weights: tuple[float, ...] = knob((), "share of each source in a mixture; left out, every image counts the same")
    caption: tuple[str, ...] = knob((), 'a caption from columns, such as "a photo of a {label}"; again for several')
    label_column: str | None = knob(None, "the column with the class; left out, the first that looks like it")
    tower: str = knob("tiny", "tiny, an open_clip or timm name, either with its weights, or a run directory")
    text_tower: str | None = knob(None, "an open_clip architecture whose text tower is used beside it")
    image_size: int | None = knob(None, "side in pixels of what the tower sees; left out, the tower's own")
    canvas: int | None = knob(None, "side that images are fitted into before views are cut; left out, by image size")
    cache: int = knob(MOST_CACHED >> 20, "megabytes of decoded images that are kept on the disk; 0 for none")
    patch_dropout: float = knob(0.0, "share of a ViT's patches that each image loses in training (FLIP)")
    evaluate: tuple[str, ...] = knob((), "a source to measure on while training and at its end; again for several")
    suite: str = knob("", "what is measured on it, with commas; left out, what its captions and classes allow")
    logger: tuple[str, ...] = knob((), "tensorboard or wandb, beside metrics.jsonl")

    def __post_init__(self) -> None:
        if self.weights and len(self.weights) != len(self.data):
            raise UserError(f"There are {len(self.data)} sources and {len(self.weights)} weights; give one for each.")
