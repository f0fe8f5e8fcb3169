"""Labels to take away: as rows of a table, and as a script that sorts the pictures into one folder a class."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.labelling import Labelling

COLUMNS = (
    "path",
    "label",
    "probability",
    "runner_up",
    "margin",
    "source",
    "by",
    "encoder",
    "prompt_hash",
)

_SCRIPT = '''\
"""Sort labelled pictures into one folder a class. Nothing is moved and nothing is overwritten.

    python {name} FOLDER            copies the pictures into FOLDER/class/
    python {name} FOLDER --link     makes symbolic links instead
"""

import json
import os
import shutil
import sys

PICTURES = json.loads({rows})  # file, class, name within the class


def main() -> None:
    arguments = [a for a in sys.argv[1:] if a != "--link"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    done = there = missing = 0
    for file, label, name in PICTURES:
        folder = os.path.join(arguments[0], label)
        target = os.path.join(folder, name)
        if not os.path.isfile(file):
            missing += 1
        elif os.path.lexists(target):
            there += 1
        else:
            os.makedirs(folder, exist_ok=True)
            if "--link" in sys.argv:
                os.symlink(os.path.abspath(file), target)
            else:
                shutil.copy2(file, target)
            done += 1
    print(f"{{done:,}} pictures sorted, {{there:,}} were there already, {{missing:,}} are not where they were.")


main()
'''


def label_rows(labelling: Labelling) -> Iterator[dict[str, Any]]:
    """Every picture with COLUMNS, in the collection's order; of any-of-these also labels, all that say yes.

    path is relative to source. by: "person" for a correction, "learned" where corrections helped to decide,
    else "encoder". What a person says has no probability, runner-up or margin.
    """
    items, guess = labelling.collection.items, labelling.predictions
    names = labelling.names
    labels, corrected = labelling.labels(), set(labelling.known.corrected.tolist())
    yes = labelling.answers_yes() if guess.yes is not None else None
    by = "learned" if labelling.classifier.adapter is not None else "encoder"
    encoder, prompts = labelling.classifier.encoder.name, labelling.prompt_hash
    paths, sources = items["path"].tolist(), items["source"].tolist()
    for row, (path, source) in enumerate(zip(paths, sources, strict=True)):
        person = row in corrected
        second = int(guess.runner_up[row])
        found: dict[str, Any] = {
            "path": path,
            "label": names[labels[row]],
            "probability": None if person else round(float(guess.probability[row]), 4),
            "runner_up": names[second] if second >= 0 and not person else "",
            "margin": None if person else round(float(guess.margin[row]), 4),
            "source": source,
            "by": "person" if person else by,
            "encoder": encoder,
            "prompt_hash": prompts,
        }
        if yes is not None:
            found["labels"] = [names[k] for k in yes[row].nonzero()[0]]
        yield found


def sorting_script(labelling: Labelling, name: str = "sort_pictures.py") -> str:
    """A Python script without dependencies that copies or links the pictures; those inside archives are left out."""
    items, labels = labelling.collection.items, labelling.labels()
    roots = {source: _root(Path(source)) for source in items["source"].unique()}
    rows: list[tuple[str, str, str]] = []
    taken: set[tuple[str, str]] = set()
    folders = [_folder_name(name) for name in labelling.names]
    for id, source, path, label in zip(items["id"], items["source"], items["path"], labels, strict=True):
        root = roots[source]
        if root is None:
            continue
        folder, file = folders[label], Path(path).name
        if (folder, file.lower()) in taken:  # two pictures of one name in different folders
            file = f"{Path(file).stem}-{id}{Path(file).suffix}"
        taken.add((folder, file.lower()))
        rows.append((str(root / path), folder, file))
    return _SCRIPT.format(name=name, rows=repr(json.dumps(rows)))


def _root(source: Path) -> Path | None:
    """The folder that a source's paths begin at, or None if its pictures are no files."""
    if source.is_dir():
        return source
    return source.parent if source.suffix.lower() in (".csv", ".tsv") else None


def _folder_name(label: str) -> str:
    """label as every system takes a folder's name; never one that leads elsewhere."""
    kept = "".join("-" if c in '/\\:*?"<>|' or ord(c) < 32 else c for c in label).strip(" .")
    return kept[:100] or "unnamed"
