"""The settings of a run about its data and its towers."""

from dataclasses import dataclass

from training.data.captions import check_templates
from training.data.pixel_cache import MOST_CACHED
from training.data.tables.options import TableOptions
from training.models.errors import UserError
from training.models.knobs import NONE_OR_MORE, Knobs, Range, knob, knob_of


@dataclass(frozen=True, kw_only=True)
class DataConfig(Knobs):
    """The training data and the towers of a run."""

    data: tuple[str, ...] = knob((), "a folder, CSV, parquet or tar shards; repeat for a mixture")
    weights: tuple[float, ...] = knob((), "weight of each source of a mixture [default: by number of images]")
    caption: tuple[str, ...] = knob(
        (), 'a caption template over columns, such as "a photo of a {label}"; repeat for several'
    )
    path_column: str | None = knob_of(TableOptions, "path_column")
    caption_column: str | None = knob_of(TableOptions, "caption_column")
    separator: str | None = knob_of(TableOptions, "separator")
    label_column: str | None = knob(None, "the column of the class [default: the first that looks like one]")
    class_depth: int = knob(
        1, "folders, from the top, that make the class of an image in nested folders; 0 for all", range=NONE_OR_MORE
    )
    tower: str = knob("tiny", "tiny, an open_clip or timm model, with or without weights, or a run directory")
    text_tower: str | None = knob(None, "an open_clip architecture whose text tower is used instead")
    image_size: int | None = knob(
        None, "input side of the tower in pixels [default: the tower's own]", range=Range(least=8, most=4096)
    )
    canvas: int | None = knob(
        None,
        "side in pixels of the square that whole images are resized to, of which crops are cut "
        "[default: up to twice the tower's, by --crop and the images]",
        range=Range(least=8, most=8192),
    )
    cache: int = knob(
        MOST_CACHED >> 20, "size of the on-disk cache of decoded images in megabytes; 0 disables it", range=NONE_OR_MORE
    )
    shuffle_window: int | None = knob(
        None,
        "images within which neighbouring row groups, or pieces of shards at an address, are shuffled; 0 shuffles all "
        "[default: 2048 for parquet files that hold more images than --cache does, else 0]",
        range=NONE_OR_MORE,
    )
    patch_dropout: float = knob(
        0.0, "fraction of a ViT's patches that are dropped in training (FLIP)", range=Range(least=0, below=1)
    )
    evaluate: tuple[str, ...] = knob((), "a source for evaluation during and after training; repeat for several")
    suite: str = knob("", "comma-separated probes for it [default: those that captions and classes allow]")
    logger: tuple[str, ...] = knob((), "tensorboard or wandb, in addition to metrics.jsonl")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_templates(self.caption)
        if self.weights and len(self.weights) != len(self.data):
            raise UserError(f"There are {len(self.data)} sources and {len(self.weights)} weights; give one for each.")

    @property
    def tables(self) -> TableOptions:
        """How the tables of its sources are read."""
        return TableOptions(self.path_column, self.caption_column, self.separator)
