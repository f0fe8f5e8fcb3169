"""The images of a run that could not be read: counted, and listed in unreadable.tsv."""

from pathlib import Path

from training.engine.log import truncate_lines
from training.models.console import plain

FILE = "unreadable.tsv"  # step, path and reason for each image that was replaced by another


class Unreadable:
    """The unreadable images that this rank met. run: the run directory, or None to list none."""

    def __init__(self, run: Path | None):
        self.path = None if run is None else run / FILE
        self.count = 0

    def record(self, step: int, images: list[list[str]]) -> None:
        """Count images, each a path and a reason, and list them."""
        if not images:
            return
        self.count += len(images)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(f"{step}\t{plain(path)}\t{plain(reason)}\n" for path, reason in images)

    def go_back(self, step: int, count: int) -> None:
        """As it was at the checkpoint of a step, when count were known."""
        self.count = count
        if self.path is not None:
            truncate_lines(self.path, lambda line: int(line.partition("\t")[0]) < step)
