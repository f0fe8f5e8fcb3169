"""Export of labels: CSV and JSON, and a script that sorts the images into one folder a class."""

import json
from collections.abc import Iterator
from typing import Any

from index.export.names import Names
from index.export.roots import source_root
from index.labels.result import LabelResult
from index.storage.tables import csv_text
from training.models.file_names import distinct_names, file_name, safe_name
from training.models.strict_json import json_text

COLUMNS = ("path", "label", "probability", "runner_up", "margin")  # of labels.csv
LONGEST_CLASS = 100  # bytes of the name of a folder
ORIGINS = ("source", "by", "encoder", "prompt_hash")  # further columns: where an image and its label come from

_SCRIPT = '''\
"""Sort labelled images into one folder a class. Nothing is moved and nothing is overwritten.

    python sort_images.py FOLDER                    copies the images into FOLDER/class/
    python sort_images.py FOLDER --link             makes symbolic links instead
    python sort_images.py FOLDER --from IMAGES      reads them from the folder IMAGES, to which they have moved
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


def labels_csv(result: LabelResult, *, origins: bool = False, local: bool = True) -> str:
    """labels.csv: COLUMNS, with origins also ORIGINS; probabilities to four places. Of mode "any" also all labels.

    local: the reader may see where on this computer images lie; if not, sources are names alone.
    """
    columns = (*COLUMNS, *(ORIGINS if origins else ()), *(("labels",) if result.yes is not None else ()))
    return csv_text(columns, ([_cell(row[name]) for name in columns] for row in label_rows(result, local)))


def labels_json(result: LabelResult, *, local: bool = True) -> str:
    """Every image with COLUMNS and ORIGINS, and what they were labelled by. local: as of `labels_csv`."""
    request, classifier = result.request, result.classifier
    about = {
        "encoder": classifier.encoder.name,
        "fingerprint": classifier.encoder.fingerprint,
        "classes": [{"name": c.name, "texts": list(c.texts)} for c in request.classes],
        "templates": list(request.templates),
        "prompt_hash": request.prompt_hash,
        "mode": request.mode,
        "calibration": classifier.calibration.as_dict(),
        "learned_from_corrections": classifier.adapter is not None,
        "corrections": len(result.corrected),
    }
    return json_text(about | {"labels": list(label_rows(result, local))})


def label_rows(result: LabelResult, local: bool = True) -> Iterator[dict[str, Any]]:
    """Every image with COLUMNS and ORIGINS, in the collection's order; of mode "any" also labels, all that say yes.

    path is relative to source. by: "person" for a correction, "learned" where corrections helped to decide,
    else "encoder". A person's label has no probability, runner-up or margin.
    """
    by = "learned" if result.classifier.adapter is not None else "encoder"
    sources = result.collection.frame(["source"])["source"]
    table = result.table.assign(source=sources if local else sources.map(file_name))
    origin = {"encoder": result.classifier.encoder.name, "prompt_hash": result.request.prompt_hash}
    for row, found in enumerate(table.drop(columns="id").to_dict("records")):
        person = row in result.corrected
        for name in ("probability", "margin"):
            found[name] = None if person else round(float(found[name]), 4)
        yield {str(name): value for name, value in found.items()} | {"by": "person" if person else by} | origin


def _cell(value: object) -> object:
    if isinstance(value, list):
        return "; ".join(value)
    return f"{value:.4f}" if isinstance(value, float) else value


def sorting_script(result: LabelResult, local: bool = True) -> str:
    """A Python script without dependencies that copies or links the images; those inside archives are left out.

    local: it may say where on this computer the images lie; if not, its user names their folder.
    """
    items, labels = result.collection.frame(["id", "source", "path"]), result.labels
    roots = {source: source_root(source) for source in items["source"].unique()}
    numbers = {source: at for at, source in enumerate(roots)}
    rows: list[tuple[object, ...]] = []
    names, folders = Names(), distinct_names(result.answers, LONGEST_CLASS)
    for id, source, path, label in zip(items["id"], items["source"], items["path"], labels, strict=True):
        if roots[source] is None:
            continue
        parts = next(names.free((folders[label], safe_name(file_name(path))), id))
        names.take(parts)
        rows.append((numbers[source], path, *parts))
    places = [str(root) if root is not None and local else "" for root in roots.values()]
    if local:
        places = [place or "." for place in places]  # an archive: none of the rows is of it
    return _SCRIPT.format(sources=repr(json.dumps(places)), rows=repr(json.dumps(rows)))
