"""The model card of an encoder of the zoo."""

from training.comparison.measure import Entry
from training.comparison.table import formatted_fact, formatted_figure
from training.models.zoo import ZooModel, table

TEXT = """# {encoder}

{idea} ({paper}).

One of the zoo (`docs/zoo.md`): small encoders that differ in nothing but their method. It is there to compare methods,
and not to search photographs.

| | |
|---|---|
| tower | {tower}, {size} pixels, {parameters} parameters{text} |
| weights | {bytes}, half precision, seed {seed} |
| training | {steps} steps of {batch} images, {minutes} minutes of processor time |
| data | {data} |
| settings | {settings} |
| made by | `python -m training zoo {name}` |

{reads}

Figures on images that it was not trained on, with 95 % intervals over the images:

| figure | value |
|---|---|
{figures}

The weights carry the licence of the drawings, CC BY-SA 4.0 (OpenMoji, openmoji.org); the scenes are generated.
"""
TEXT_TOWER = ", and a text tower with the {tokens} tokens of its captions; other words are read as nothing"
READS = {
    True: "It embeds images and text. It knows the words of the captions alone: shapes, colours, names of drawings.",
    False: "It embeds images only: search it with an image; it answers a text by saying so.",
}
WHAT = {
    "shape": "shape of a scene's object (16)",
    "colour": "its colour (8)",
    "group": "group of a drawing (3)",
}


def card(model: ZooModel, entry: Entry) -> str:
    """The card of the encoder of a measured run. entry.facts: minutes, bytes, parameters and, with text, tokens."""
    every, facts = table(), entry.facts
    run = {**every["run"], **model.run}
    tokens = facts.get("tokens")
    return TEXT.format(
        encoder=model.encoder,
        name=model.name,
        idea=model.idea,
        paper=model.paper,
        tower=every["tower"],
        size=every["image_size"],
        parameters=formatted_fact("parameters", facts["parameters"]),
        text=TEXT_TOWER.format(tokens=f"{tokens:,.0f}") if tokens else "",
        bytes=formatted_fact("bytes", facts["bytes"]),
        seed=entry.seed,
        steps=entry.steps,
        batch=run["batch_size"],
        minutes=formatted_fact("minutes", facts["minutes"]),
        data=every["about"],
        settings=", ".join(f"{name} {value}" for name, value in model.settings.items()) or "the method's defaults",
        reads=READS[bool(tokens)],
        figures="\n".join(f"| {named(name)} | {formatted_figure(name, f)} |" for name, f in entry.figures.items()),
    )


def named(figure: str) -> str:
    """The name of a figure in words."""
    probe, _, what = figure.partition("/")
    return f"{probe.replace('knn', 'k-NN')}, {WHAT[what]}"
