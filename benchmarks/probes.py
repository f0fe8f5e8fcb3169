"""What encoders can and cannot see: python benchmarks/probes.py [ENCODER ...] [--sugarcrepe FOLDER]

Runs all probes on each encoder and on the controls, of which the answers are known, on generated images; keeps the
reports in probes.json and makes docs/probes.md of them. An encoder that is kept already is run again only if named.
FOLDER holds the .json files of SugarCrepe: how far its captions are given away by their words alone.
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
    "knn": "Classes of the nearest neighbours (k = 20), from half of the images to the other half.",
    "linear": "A linear map from the embedding to the class, its penalty chosen on a fifth of the training half.",
    "few-shot": "The same from a handful of images a class.",
    "zero-shot": "The class whose name lies nearest.",
    "retrieval": "An image's caption among all captions, and the other way round; any right caption counts.",
    "geometry": "How near views of an image lie, how evenly images spread, in how many directions.",
    "winoground": "Two images and two captions of the same words, generated; both must find their own, strictly.",
    "hard-negatives": "A true caption against one that differs a little, beside how often text alone finds it.",
    "association": "The colour of a lemon that is painted, and how far the answer is drawn to what lemons usually are.",
    "order": "How far another meaning of the same words moves an embedding, over how far a paraphrase does.",
    "detail": "Colour, texture, number, place and small things, by words and by a linear probe on the image.",
    "collapse": "How far embeddings of different images differ at all.",
    "robustness": "Blur, JPEG, crop and grey: whether an image finds itself.",
    "speed": "On the machine that ran this; a rough guide.",
}


def run(names: list[str]) -> None:
    """Measure encoders and keep what came of it."""
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
    """The page: a table a probe, a column an encoder, controls last."""
    controls = ("random vectors", "bag of words", "collapsed")
    names = [name for name in stored if name not in controls] + [name for name in controls if name in stored]
    lines = [
        "# What encoders can and cannot see",
        "",
        f"Every probe on generated images (`{DATA}` where a probe needs a set of images), made by",
        "`python benchmarks/probes.py`; the same for your own encoder and images:",
        "",
        "    python -m training evaluate ENCODER --data SOURCE --suite probes --out report",
        "",
        "Each figure with its 95 % bootstrap interval. The controls show that the probes are sound: *random vectors*",
        "must lie near chance, a *bag of words* hears no order, and *collapsed* says the same of everything: a tie is",
        "wrong, so it must score 0 wherever something has to win.",
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
    lines += [f"- {name}: {probe} was left out, {why}" for name, of in left_out.items() for probe, why in of.items()]
    return "\n".join(lines).rstrip() + "\n"


def measure_sugarcrepe(folder: str) -> None:
    """How often the true caption is found without its image, by kind."""
    from training.evaluation.hard_negatives import blind_wins
    from training.evaluation.negatives import read_negatives
    from training.models.intervals import figure_of

    examples = read_negatives(folder)
    found = {}
    for kind in sorted({example.kind for example in examples}):
        of = [example for example in examples if example.kind == kind]
        found[kind] = figure_of(blind_wins([e.caption for e in of], [e.negative for e in of]))
    BLIND.write_text(json.dumps(found, indent=1) + "\n")


def _blind_of_sugarcrepe() -> list[str]:
    if not BLIND.exists():
        return []
    rows = [f"| {kind} | {_cell(figure)} | {figure['n']:,} |" for kind, figure in json.loads(BLIND.read_text()).items()]
    return [
        "## Text alone on SugarCrepe",
        "",
        "How often the true one of SugarCrepe's own caption pairs is found without any image, by a logistic",
        "regression on words, pairs of words and length, fitted on the other half. Far above a half, a score says",
        "as much of an encoder's ear as of its eye (what is added makes the false caption the longer one).",
        "",
        "| kind | found by text alone | pairs |",
        "| --- | --- | --- |",
        *rows,
        "",
    ]


def _table(probe: str, figures: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    named = {name: _named(of) for name, of in figures.items() if of}
    rows = list(dict.fromkeys(row for of in named.values() for row in of))
    beside = next((stored[name]["beside"][probe] for name in named if probe in stored[name].get("beside", {})), {})
    known = {what: {"": of} if not isinstance(of, dict) else of for what, of in beside.items() if what not in named}
    lines = [f"| | {' | '.join([*named, *known])} |", f"| --- |{' --- |' * (len(named) + len(known))}"]
    for row in rows:
        cells = [_cell(of.get(row)) for of in named.values()]
        cells += [_number(of[row]) if row in of else "" for of in known.values()]
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
    asked = sys.argv[1:]
    if "--sugarcrepe" in asked:
        at = asked.index("--sugarcrepe")
        measure_sugarcrepe(asked[at + 1])
        del asked[at : at + 2]
    run(asked)
    PAGE.write_text(page(json.loads(STORED.read_text())))
    print(f"Written to {PAGE}.")
