"""Data against architecture: what the project's own tested claims say, from the stored runs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean

from PIL import Image

from training.lessons.lesson import Part, Settings
from training.lessons.parts import bar, bars, remark, sentence
from training.lessons.said import say
from training.models.intervals import student_interval

STORED = Path(__file__).with_name("stored_runs.json")  # made by benchmarks/stored_lessons.py
ARMS: Mapping[str, tuple[str, Mapping[str, str]]] = {  # measure, and the arms of docs/claims.md with their names here
    "pairs": (
        "recall@5",
        {"clip-400-pairs": say("400 pairs"), "clip-1500-pairs": say("1,500 pairs"), "clip-plain": say("6,000 pairs")},
    ),
    "captions": ("colour: words", {"clip-labels": say("class labels"), "clip-plain": say("captions")}),
    "negatives": (
        "negatives, swap colours",
        {"clip-plain": say("CLIP"), "clip-hard-negatives": say("CLIP with hard negatives")},
    ),
}
TITLES = {
    "recall@5": say("Image-to-text recall at 5 of 400 new scenes"),
    "colour: words": say("Zero-shot accuracy for colours, which labels do not name"),
    "negatives, swap colours": say("Captions told from those with swapped colours"),
}


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    measure, arms = ARMS[settings.text("changed")]
    stored: dict[str, dict[str, list[float]]] = json.loads(STORED.read_bytes())
    rows = []
    for arm, name in arms.items():
        values = stored[arm][measure]
        low, high = student_interval(values)
        rows.append(bar(name, mean(values), low=max(0.0, low), high=min(1.0, high), strong=arm == list(arms)[-1]))
    first, last = rows[0], rows[-1]
    yield sentence(
        say(
            "{last}: {high:.0%}, {first}: {low:.0%}. The tower is the same, and so is the number of steps.",
            last=last["name"],
            high=last["value"],
            first=first["name"],
            low=first["value"],
        )
    )
    yield bars("figures", TITLES[measure], rows, percent=True)
    yield remark(
        say(
            "Five runs each of a small CLIP on generated scenes, with 95 % intervals over the runs; "
            "docs/claims.md has the "
            "designs and the verdicts, which were fixed before."
        )
    )
