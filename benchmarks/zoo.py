"""Publish the zoo: python benchmarks/zoo.py [FOLDER]

FOLDER is the --out of `python -m training zoo`: its encoders replace those of training/models/zoo, and its results
those of zoo.json. Without it, only docs/zoo.md is made.
"""

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from training.comparison.table import formatted_fact, formatted_figure
from training.models.zoo import ZooModel, entries, table, zoo

STORED = Path(__file__).parent / "results" / "zoo.json"
OF_DEMO = STORED.with_name("zoo_demo.json")
PAGE = Path(__file__).parent.parent / "docs" / "zoo.md"
SPOKEN = {  # figure: what is told apart, and how
    "knn/shape": ("Shape", "k-NN"),
    "linear/shape": ("Shape", "linear"),
    "zero-shot/shape": ("Shape", "zero-shot"),
    "knn/colour": ("Colour", "k-NN"),
    "linear/colour": ("Colour", "linear"),
    "zero-shot/colour": ("Colour", "zero-shot"),
    "knn/group": ("Drawing", "k-NN"),
    "linear/group": ("Drawing", "linear"),
}
COSTS = {"minutes": "processor minutes of a run", "parameters": "parameters", "bytes": "size"}

TEXT = """# The zoo

Made by `python benchmarks/zoo.py` from `benchmarks/results/zoo.json`.

Small encoders come with Gelato. They have the same tower, were trained on the same images with the same number of
steps, and differ in nothing but their method. They are there to compare what methods learn, on the first start and
without a network. They are not there to search photographs: they have seen generated scenes and drawings only.

{ideas}
{missing}

On the page, Models has them below the catalogue: "Embed with all" embeds the open collection with each of them, and
"Compare them" opens Compare with all of them. Switch to one, and Probe tests it. `zoo/clip` and `zoo/siglip` read text;
the others are searched with an image, and say so when they are given a text. From the command line:

    python -m index models
    python -m index reencode photos.gelato --encoder zoo/simclr
    python -m training evaluate zoo/clip --data scenes:1000?split=iid --suite winoground,association

## What they learned

Top-1 accuracy on images that no encoder was trained on: the mean over seeds, with Student's 95 % interval over seeds;
of one seed, with a bootstrap interval over images. "Shape" and "colour" are those of the object of 1,000 generated
scenes (16 shapes and 8 colours: chance is 6 and 12 %); k-NN and the linear probe are trained on 1,500 others. "Drawing"
is the group of 361 drawings (things, people or symbols; always answering people gives 54 %) of families that were held
out as a whole. The encoder that ships is that of the first seed, not the best one; its card has its own figures.

{figures}

{found}

## How they are made

    python -m training zoo                        # all, three seeds, into runs/zoo
    python -m training zoo simclr clip --seeds 1  # some
    python -m training zoo --steps 2000           # longer

Tower: `{tower}` at {image_size} pixels. Images: {about}.
Run: {steps} steps of {batch_size} images, AdamW, learning rate {learning_rate:g}.

`training/models/zoo/zoo.toml` has every setting. The command trains with the trainer of all methods, measures with the
probes of `python -m training evaluate`, continues where it was interrupted, and prints the table with the minutes of
processor time, which were {minutes} for all runs. Another processor or another version of PyTorch rounds otherwise, so
its figures differ within the intervals.

{costs}

Together the weights have {size} MB. They are stored in half precision, and of CLIP's 49,408 tokens the text towers keep
those of the captions; other words are read as nothing. {demo}

MAE leaves patches out, which a convolutional tower cannot; it sees the masked ones as grey instead (SimMIM, Xie et al.
2022). SwAV and DINO train on two large crops without small ones, so that they see as many views as SimCLR.
"""
MISSING = """
These do not ship yet, and `python -m training zoo NAME` trains them: {}.
"""
DEMO = """To embed the
{images:,} images of the demo with all of them takes {cpu:.0f} s of processor time, with loading the encoders, and by
the clock {wall:.0f} s on {cores} cores at a load average of {load:.0f} (median of {runs}; `benchmarks/zoo_demo.py`).
Images are decoded once for all."""
CHANCE = {"zero-shot/shape": 1 / 16, "zero-shot/colour": 1 / 8}
BOUND = "untrained"


def publish(made: Path) -> None:
    """Replace the encoders that come with Gelato, and their results."""
    for model in entries():
        if (made / model.name).is_dir():
            shutil.copytree(made / model.name, model.folder, dirs_exist_ok=True)
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    results = json.loads((made / "results.json").read_text())
    STORED.write_text(json.dumps(stored | results, indent=1) + "\n")


def page(results: dict[str, Any]) -> str:
    """docs/zoo.md."""
    rows = {row["encoder"]: row for row in results["rows"]}
    ordered = [rows[model.name] for model in entries() if model.name in rows]
    absent = [f"`{model.name}`" for model in entries() if model.name not in rows]
    every = table()
    return TEXT.format(
        figures=_table(["encoder", "seeds", *map(", ".join, SPOKEN.values())], [_figures(row) for row in ordered]),
        costs=_table(["encoder", *COSTS.values()], [_costs(row) for row in ordered]),
        ideas=_table(["encoder", "learns from", "method", ""], [_idea(model) for model in zoo()]),
        missing=MISSING.format(", ".join(absent)) if absent else "",
        size=f"{sum(row['facts']['bytes'] for row in ordered) / 1e6:.1f}",
        minutes=f"{sum(len(row['seeds']) * row['facts']['minutes'] for row in ordered):.0f}",
        demo=_demo(),
        found="\n".join(f"- {sentence}" for sentence in _found(rows)),
        **every["run"],
        about=every["about"],
        tower=every["tower"],
        image_size=every["image_size"],
    )


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    return "\n".join(lines + [f"| {' | '.join(cells)} |" for cells in rows])


def _figures(row: dict[str, Any]) -> list[str]:
    name, seeds = f"`zoo/{row['encoder']}`", str(len(row["seeds"]))
    return [name, seeds, *(formatted_figure(name, row["figures"].get(name)) for name in SPOKEN)]


def _costs(row: dict[str, Any]) -> list[str]:
    return [f"`zoo/{row['encoder']}`", *(formatted_fact(name, row["facts"][name]) for name in COSTS)]


def _demo() -> str:
    """What benchmarks/zoo_demo.py measured, if it has."""
    if not OF_DEMO.exists():
        return ""
    found = json.loads(OF_DEMO.read_text())
    times = {clock: found["after"][clock]["median"] for clock in ("wall", "cpu")}
    return DEMO.format(images=found["images"], runs=found["runs"], cores=found["cores"], load=found["busy"], **times)


def _idea(model: ZooModel) -> list[str]:
    return [f"`{model.encoder}`", model.idea, model.paper, f"[card](../training/models/zoo/{model.name}/README.md)"]


def _found(rows: Mapping[str, Any]) -> Iterator[str]:
    """For each figure, which encoders differ from the untrained one, or from chance, by more than the seeds do."""
    for name, (what, how) in SPOKEN.items():
        figures = {encoder: row["figures"][name] for encoder, row in rows.items() if name in row["figures"]}
        chance = CHANCE.get(name)
        bound = {"low": chance, "high": chance} if chance else figures.pop(BOUND, None)
        if bound is None:
            continue  # the untrained tower was not measured
        against = "chance" if chance else "the untrained tower"
        better = [encoder for encoder, figure in figures.items() if figure["low"] > bound["high"]]
        worse = [encoder for encoder, figure in figures.items() if figure["high"] < bound["low"]]
        parts = [f"better than {against}: {', '.join(sorted(better)) or 'none'}"]
        parts += [f"worse: {', '.join(sorted(worse))}"] if worse else []
        rest = sorted({*figures} - {*better} - {*worse})
        parts += [f"not told apart from it: {', '.join(rest)}"] if rest else []
        yield f"**{what}, {how}**: {'; '.join(parts)}."


def main() -> None:
    """Publish, measure and write the page."""
    if arguments := sys.argv[1:]:
        publish(Path(arguments[0]))
    results = json.loads(STORED.read_text())
    PAGE.write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
