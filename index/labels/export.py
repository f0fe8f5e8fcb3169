"""Labels to take away: as rows of a table, and as a script that sorts the images into one folder a class."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index.labels.labelling import Labelling

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
"""Sort labelled images into one folder a class. Nothing is moved and nothing is overwritten.

    python {name} FOLDER                      copies the images into FOLDER/class/
    python {name} FOLDER --link               makes symbolic links instead
    python {name} FOLDER --from IMAGES      takes them from IMAGES, where they have moved or were left unsaid
"""

import argparse
import json
import os
import shutil
import sys

SOURCES = json.loads({sources})
IMAGES = json.loads({rows})  # number of the source, file inside it, class, name within the class


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--link", action="store_true")
    parser.add_argument("--from", dest="images")
    given = parser.parse_args()
    if given.images is None and not all(SOURCES):
        sys.exit("Say where the images are: --from IMAGES")
    done = there = missing = 0
    for source, file, label, name in IMAGES:
        file = os.path.join(given.images or SOURCES[source], file)
        folder = os.path.join(given.folder, label)
        target = os.path.join(folder, name)
        if not os.path.isfile(file):
            missing += 1
        elif os.path.lexists(target):
            there += 1
        else:
            os.makedirs(folder, exist_ok=True)
            if given.link:
                os.symlink(os.path.abspath(file), target)
            else:
                shutil.copy2(file, target)
            done += 1
    print(f"{{done:,}} images sorted, {{there:,}} were there already, {{missing:,}} were not found.")


main()
'''


def label_rows(labelling: Labelling) -> Iterator[dict[str, Any]]:
    """Every image with COLUMNS, in the collection's order; of any-of-these also labels, all that say yes.

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


def sorting_script(labelling: Labelling, local: bool = True, name: str = "sort_images.py") -> str:
    """A Python script without dependencies that copies or links the images; those inside archives are left out.

    local: it may say where on this computer the images lie; if not, whoever runs it says so.
    """
    items, labels = labelling.collection.items, labelling.labels()
    roots = {source: _root(Path(source)) for source in items["source"].unique()}
    numbers = {source: at for at, source in enumerate(roots)}
    rows: list[tuple[int, str, str, str]] = []
    taken: set[tuple[str, str]] = set()
    folders = [_folder_name(name) for name in labelling.names]
    for id, source, path, label in zip(items["id"], items["source"], items["path"], labels, strict=True):
        root = roots[source]
        if root is None:
            continue
        folder, file = folders[label], Path(path).name
        if (folder, file.lower()) in taken:  # two images of one name in different folders
            file = f"{Path(file).stem}-{id}{Path(file).suffix}"
        taken.add((folder, file.lower()))
        rows.append((numbers[source], path, folder, file))
    places = [str(root) if root is not None and local else "" for root in roots.values()]
    if local:
        places = [place or "." for place in places]  # an archive: none of the rows is of it
    return _SCRIPT.format(name=name, sources=repr(json.dumps(places)), rows=repr(json.dumps(rows)))


def _root(source: Path) -> Path | None:
    """The folder that a source's paths begin at, or None if its images are no files."""
    if source.is_dir():
        return source
    return source.parent if source.suffix.lower() in (".csv", ".tsv") else None


def _folder_name(label: str) -> str:
    """label as every system takes a folder's name; never one that leads elsewhere."""
    kept = "".join("-" if c in '/\\:*?"<>|' or ord(c) < 32 else c for c in label).strip(" .")
    return kept[:100] or "unnamed"
