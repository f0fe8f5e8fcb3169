"""What encoders can and cannot see: python benchmarks/probes.py [ENCODER ...] [--sugarcrepe FOLDER]

Runs all probes on each encoder and on the control encoders with generated images. Stores the reports in probes.json
and makes docs/probes.md. A stored encoder is run again only if it is named. FOLDER holds the .json files of
SugarCrepe, to measure how well its captions can be solved without images.
"""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
STORED, BLIND = HERE / "results" / "probes.json", HERE / "results" / "sugarcrepe_text_alone.json"
PAGE = HERE.parent / "docs" / "probes.md"
DATA = "scenes:1000?split=iid"

WHAT = {
    "knn": "k-NN accuracy (k = 20); half of the images are the training set, the other half the test set.",
    "linear": "Accuracy of a linear classifier on the embedding; its penalty is chosen on a fifth of the training set.",
    "few-shot": "Accuracy of a linear classifier trained on a few images per class.",
    "zero-shot": "Accuracy of the class with the nearest text embedding.",
    "retrieval": "Recall at k, image to text and text to image; every matching caption is relevant.",
    "geometry": "Alignment of two views of an image, uniformity over images, and effective rank.",
    "winoground": "Generated pairs of two images and two captions with the same words; ties are wrong.",
    "hard-negatives": "Accuracy of choosing the true caption over a similar false one, also from text alone.",
    "association": "Accuracy of the predicted colour of an object, and the bias towards its usual colour.",
    "order": "Distance of a caption to the same words with another meaning, divided by its distance to a paraphrase.",
    "detail": "Colour, texture, number, position, small objects: zero-shot and by a linear probe.",
    "collapse": "How much embeddings of different images differ.",
    "robustness": "How much blur, JPEG compression, cropping and greyscale change the embedding.",
    "speed": "Speed on the machine that ran the probes; only a rough guide.",
}


def run(names: list[str]) -> None:
    """Measure encoders and store their reports."""
    from training.evaluation.controls import CONTROLS
    from training.evaluation.subject import Subject
    from training.evaluation.suite import run_suite
    from training.models.encoders import load_encoder

    stored: dict[str, Any] = json.loads(STORED.read_text()) if STORED.exists() else {}
    encoders = {name: (lambda name=name: load_encoder(name)) for name in names}
    encoders |= {control.name: control for control in CONTROLS if control.name not in {*stored} - {*names}}
    for name, make in encoders.items():
        print(f"{name} ...", file=sys.stderr)
        report = run_suite(Subject(make(), DATA), "probes", say=lambda probe: print(f"  {probe}", file=sys.stderr))
        document = report.document()
        document["encoder"] = Path(name).name if "/" in name else name
        stored[document["encoder"]] = document
        STORED.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n")


def page(stored: dict[str, Any]) -> str:
    """The page: a table for each probe, a column for each encoder, controls last."""
    controls = ("random vectors", "bag of words", "collapsed")
    names = [name for name in stored if name not in controls] + [name for name in controls if name in stored]
    lines = [
        "# What encoders can and cannot see",
        "",
        f"Results of all probes on generated images (`{DATA}` for probes that need a data set), made by",
        "`python benchmarks/probes.py`. To run them on your own encoder and images:",
        "",
        "    python -m training evaluate ENCODER --data SOURCE --suite probes --out report",
        "",
        "Each figure has its 95 % bootstrap interval. Three control encoders check the probes: *random vectors* must",
        "score at chance; a *bag of words* ignores the word order; *collapsed* gives every input the same vector, and",
        "must score 0 in comparisons, since a tie counts as wrong.",
        "",
    ]
    for probe, about in WHAT.items():
        figures = {name: stored[name].get(probe) for name in names}
        if not any(figures.values()):
            continue
        lines += [f"## {probe}", "", about, "", *_table(probe, figures, stored), ""]
        notes = stored[names[0]].get("notes", {}).get(probe, [])
        lines += [*notes, ""] if probe not in ("speed",) else [*notes[:1], ""]
    lines += _blind_of_sugarcrepe()
    left_out = {name: stored[name]["skipped"] for name in names if stored[name]["skipped"]}
    lines += [f"- {name}: {probe} was skipped: {why}" for name, of in left_out.items() for probe, why in of.items()]
    return "\n".join(lines).rstrip() + "\n"


def measure_sugarcrepe(folder: str) -> None:
    """Accuracy of finding the true caption without the image, by kind."""
    from training.evaluation.hard_negatives import blind_wins
    from training.evaluation.negatives import read_negatives
    from training.models.intervals import figure_of

    examples = read_negatives(folder)
    found = {}
    for kind in sorted({example.kind for example in examples}):
        here = [example for example in examples if example.kind == kind]
        found[kind] = figure_of(blind_wins([e.caption for e in here], [e.negative for e in here]))
    BLIND.write_text(json.dumps(found, indent=1) + "\n")


def _blind_of_sugarcrepe() -> list[str]:
    if not BLIND.exists():
        return []
    rows = [f"| {kind} | {_cell(figure)} | {figure['n']:,} |" for kind, figure in json.loads(BLIND.read_text()).items()]
    return [
        "## Text alone on SugarCrepe",
        "",
        "Accuracy of finding the true caption of SugarCrepe's pairs without the image: a logistic regression on words,",
        "word pairs and length, fitted on the other half. If it is far above 0.5, an encoder can score well by its",
        "text encoder alone: for example, an added attribute makes the false caption longer.",
        "",
        "| kind | accuracy from text alone | pairs |",
        "| --- | --- | --- |",
        *rows,
        "",
    ]


def _table(probe: str, figures: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    named = {name: _named(of) for name, of in figures.items() if of}
    rows = list(dict.fromkeys(row for of in named.values() for row in of))
    beside = next((stored[name]["beside"][probe] for name in named if probe in stored[name].get("beside", {})), {})
    references = {
        what: values if isinstance(values, dict) else {"": values}
        for what, values in beside.items()
        if what not in named
    }
    lines = [f"| | {' | '.join([*named, *references])} |", f"| --- |{' --- |' * (len(named) + len(references))}"]
    for row in rows:
        cells = [_cell(figures_of_encoder.get(row)) for figures_of_encoder in named.values()]
        cells += [_number(values[row]) if row in values else "" for values in references.values()]
        lines.append(f"| {row or probe} | {' | '.join(cells)} |")
    return lines


def _named(figures: Any) -> dict[str, Any]:
    return {"": figures} if "value" in figures else figures


def _cell(figure: Any) -> str:
    if figure is None:
        return ""
    return f"{_number(figure['value'])} ({_number(figure['low'])} – {_number(figure['high'])})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    arguments = sys.argv[1:]
    if "--sugarcrepe" in arguments:
        at = arguments.index("--sugarcrepe")
        measure_sugarcrepe(arguments[at + 1])
        del arguments[at : at + 2]
    run(arguments)
    PAGE.write_text(page(json.loads(STORED.read_text())))
    print(f"Written to {PAGE}.")
