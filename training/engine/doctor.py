"""Diagnosis of a run from its metrics.jsonl: what is wrong, what it means, and which option to change."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from training.engine.finite import NotFinite
from training.engine.log import read_metrics
from training.models.errors import UserError

Lines = list[dict[str, Any]]
STUCK = 0.02  # relative distance from chance within which a loss counts as stuck
FEW = 5  # lines that a check needs


@dataclass(frozen=True)
class Diagnosis:
    """what: one sentence on the observation. so: its meaning. turn: the option to change."""

    what: str
    so: str
    turn: str

    def __str__(self) -> str:
        return f"{self.what} {self.so} {self.turn}"


def diagnose(metrics: Path, document: Mapping[str, Any]) -> list[Diagnosis]:
    """The problems of a run, the most serious first; empty if there is none.

    metrics: its metrics.jsonl. document: the contents of its config.json.
    """
    lines = [line for line in read_metrics(metrics) if "learning_rate" in line or "not_finite" in line]
    if not lines:
        raise UserError(f"{metrics} has no lines yet; one is written every {document['run']['log_every']} steps.")
    events = [line["not_finite"] for line in lines if "not_finite" in line]
    of_steps = [line for line in lines if "learning_rate" in line]
    found = [not_finite(events, document)] if events else list(loss_not_finite(of_steps, document))
    return found + [diagnosis for check in CHECKS if of_steps for diagnosis in check(of_steps, document)]


def numbers(lines: Lines, name: str) -> list[float]:
    """The values of one metric, from the lines that have it."""
    return [float(line[name]) for line in lines if line.get(name) is not None]


def not_finite(events: Lines, document: Mapping[str, Any]) -> Diagnosis:
    """Steps that were not finite, by what the run wrote of each."""
    last = events[-1]
    facts = {name: tuple(value) if isinstance(value, list) else value for name, value in last.items()}
    numbers = {name: math.nan if facts[name] is None else facts[name] for name in ("loss", "gradient_norm")}
    known = {field.name for field in fields(NotFinite)}
    found = NotFinite(**({name: value for name, value in facts.items() if name in known} | numbers))
    so = {
        "stop": "The run stopped there; no checkpoint holds weights of later steps.",
        "skip": f"{last['left_out']} steps were left out so far.",
        "rollback": f"The run went back to its last checkpoint; {last['left_out']} steps were given up so far.",
    }[last["action"]]
    turn = {
        "input": "Look for broken values in the data; python -m training METHOD --explain names its sources.",
        "loss": f"Lower --learning-rate (now {document['run']['learning_rate']:g}), try --clip-gradients 1 and a "
        f"longer --warmup; with --precision f16 try bf16.",
    }
    return Diagnosis(found.sentence(), so, turn.get(found.kind, turn["loss"]))


def loss_not_finite(lines: Lines, document: Mapping[str, Any]) -> Iterator[Diagnosis]:
    lost = next((line["step"] for line in lines if line["loss"] is None), None)
    if lost is not None:
        yield Diagnosis(
            f"The loss became NaN or infinite by step {lost}.",
            "The weights after that step are unusable.",
            f"Lower --learning-rate (now {document['run']['learning_rate']:g}), try --clip-gradients 1 and a longer "
            f"--warmup; with --precision f16 try bf16.",
        )


def stuck_at_chance(lines: Lines, document: Mapping[str, Any]) -> Iterator[Diagnosis]:
    """A loss of ln K, where K is the method's number of candidates: the loss of guessing."""
    loss = numbers(lines, "loss")
    late = loss[len(loss) // 2 :]
    if len(loss) < FEW:
        return
    for size, what, turn in chances(document):
        chance = math.log(size)
        if all(abs(value - chance) <= STUCK * chance for value in late):
            yield Diagnosis(
                f"The loss stays at {late[-1]:.3f}, which is ln {size} = {chance:.3f}.",
                f"This is the loss of guessing among {what}: the embeddings distinguish nothing.",
                turn,
            )
            return


def chances(document: Mapping[str, Any]) -> list[tuple[int, str, str]]:
    """For a method: its number of candidates, what they are, and which option to change when the loss is stuck."""
    batch, method, settings = document["run"]["batch_size"], document["method"], document["settings"]
    slower = "Lower --learning-rate or lengthen --warmup; check that captions belong to their images."
    simpler = "Lower --learning-rate or lengthen --warmup."
    found = {
        "clip": [(batch, f"the {batch} captions of a batch", slower)],
        "simclr": [(2 * batch - 1, f"the {2 * batch - 1} other views", "Lower --temperature, or --learning-rate.")],
        "relative-position": [(8, "the eight directions", simpler)],
    }.get(method, [])
    of_setting = {  # the number of candidates is a setting of the method
        "moco": ("queue", 1, "the keys of the queue", "Try a smaller --queue, whose keys are more recent."),
        "swav": ("prototypes", 0, "the prototypes", "Raise --freeze, use fewer --prototypes, start with --queue 0."),
        "dino": ("outputs", 0, "the outputs", "Lower --teacher-temperature; on little data --momentum 0.99."),
        "jigsaw": ("permutations", 0, "the permutations", f"Use fewer --permutations. {simpler}"),
    }
    if method in of_setting:
        name, more, what, turn = of_setting[method]
        found = [(settings[name] + more, what, turn)] if name in settings else []
    return found


def loss_at_zero(lines: Lines, document: Mapping[str, Any]) -> Iterator[Diagnosis]:
    loss = numbers(lines, "loss")
    if len(loss) >= FEW and document["method"] in ("dino", "swav") and max(loss[len(loss) // 2 :]) < 1e-3:
        yield Diagnosis(
            "The loss has fallen to zero.",
            "Teacher and student give every image the same output, which is a collapse.",
            "Raise --code-epsilon for swav, --teacher-temperature for dino.",
        )


def collapsed(lines: Lines, document: Mapping[str, Any]) -> Iterator[Diagnosis]:
    """Collapse of methods without negatives: the same vector, or the same cluster, for every image."""
    spread = numbers(lines, "projection_spread")
    if len(spread) >= FEW and max(spread[-FEW:]) < min(0.3, spread[0] / 2):
        yield Diagnosis(
            f"The projections of all images have become similar: spread {spread[0]:.2f} before, {spread[-1]:.2f} now.",
            "Without negatives, a constant output has a perfect loss and carries no information.",
            f"{_switched_off(document) or 'Lower --learning-rate, or raise --momentum.'}",
        )
    usage, chance = numbers(lines, "usage"), numbers(lines, "chance")
    if len(usage) >= FEW and chance and max(usage[-FEW:]) * math.exp(chance[-1]) < 2:
        yield Diagnosis(
            f"One of {math.exp(chance[-1]):.0f} clusters gets every image.",
            "The assignment has collapsed: it is always predictable, so the loss falls to zero.",
            f"{_switched_off(document) or 'Lower --learning-rate; with a teacher, also --momentum.'}",
        )
    entropy = numbers(lines, "entropy")
    if len(entropy) >= FEW and chance and min(entropy[-FEW:]) > 0.99 * chance[-1]:
        yield Diagnosis(
            f"The teacher's outputs are uniform (entropy {entropy[-1]:.2f} of at most {chance[-1]:.2f}).",
            "The teacher distinguishes no image from another, so the student learns nothing.",
            f"{_switched_off(document) or 'Lower --teacher-temperature, or --momentum to 0.99 on little data.'}",
        )


def _switched_off(document: Mapping[str, Any]) -> str:
    """Advice on the parts that prevent collapse and that this run has switched off; empty if there are none."""
    parts = ("predictor", "stop_gradient", "sinkhorn", "centring", "sharpening")
    off = [f"--no-{part.replace('_', '-')}" for part in parts if document["settings"].get(part) is False]
    return f"The run has {' and '.join(off)}; leave it out." if off else ""


def temperature_at_its_limit(lines: Lines, document: Mapping[str, Any]) -> Iterator[Diagnosis]:
    scale = numbers(lines, "scale")
    if len(scale) >= FEW and min(scale[-FEW:]) > 99.9:
        yield Diagnosis(
            "The temperature is at its lower limit (a logit scale of 100).",
            "Usually the batch has become too easy.",
            "A larger --batch-size, --hard-negatives or more varied data makes it harder.",
        )
    if len(scale) >= FEW and max(scale[-FEW:]) < 1.1:
        yield Diagnosis(
            "The temperature is at its upper limit (a logit scale of 1).",
            "The model does not distinguish pairs, usually because the captions do not match their images.",
            "Check a few image-text pairs; lower --learning-rate.",
        )


def falling_rank(lines: Lines, document: Mapping[str, Any]) -> Iterator[Diagnosis]:
    rank = numbers(lines, "effective_rank")
    if len(rank) >= 2 * FEW:
        best, now = max(rank[:-FEW]), sum(rank[-FEW:]) / FEW
        if now < best / 2:
            yield Diagnosis(
                f"The effective rank of the embeddings has fallen from {best:.1f} to {now:.1f}.",
                "They use fewer and fewer dimensions, which is the start of a collapse.",
                "Lower --learning-rate, use a larger --batch-size; with a teacher, raise --momentum.",
            )
    elif len(rank) >= FEW and max(rank[-FEW:]) < 1.5:
        yield Diagnosis(
            f"The effective rank of the embeddings is {rank[-1]:.1f}.",
            "All embeddings lie along one direction.",
            "Lower --learning-rate or lengthen --warmup.",
        )


def waiting_for_data(lines: Lines, document: Mapping[str, Any]) -> Iterator[Diagnosis]:
    waiting = numbers(lines, "waiting")[1:]  # the first window waits for the workers to start
    if len(waiting) >= 2 and (share := sorted(waiting)[len(waiting) // 2]) > 0.3:
        yield Diagnosis(
            f"The run waits for its data {share:.0%} of the time.",
            "Reading or augmenting images is slower than the training steps.",
            f"Raise --workers (now {document['run']['workers']}) or --cache, or store images at the size of --canvas.",
        )


def duplicate_captions(lines: Lines, document: Mapping[str, Any]) -> Iterator[Diagnosis]:
    share, floor = numbers(lines, "duplicates"), numbers(lines, "floor")
    if not share or document["settings"].get("multi_positive") or document["method"] == "devise":
        return
    mean = sum(share) / len(share)
    if mean > 0.05:
        yield Diagnosis(
            f"{mean:.0%} of the captions in a batch belong to another image too.",
            f"The loss cannot fall below about {sum(floor) / len(floor):.2f}, since matching pairs count as negatives.",
            "--multi-positive counts them all as positives; more varied captions are better.",
        )


def unreadable(lines: Lines, document: Mapping[str, Any]) -> Iterator[Diagnosis]:
    broken = numbers(lines, "unreadable")
    total = lines[-1]["step"] * document["run"]["batch_size"] * document["run"]["accumulate"]
    if broken and broken[-1] > 0.01 * total:
        yield Diagnosis(
            f"{broken[-1]:,.0f} of {total:,} images could not be read.",
            "Other images replaced them.",
            "unreadable.tsv in the run directory lists each with the reason.",
        )


def exploding_gradients(lines: Lines, document: Mapping[str, Any]) -> Iterator[Diagnosis]:
    norms = numbers(lines, "gradient_norm")
    if len(norms) >= 2 * FEW:
        usual = sorted(norms)[len(norms) // 2]
        if usual > 0 and max(norms[-FEW:]) > 100 * usual:
            jump = max(norms[-FEW:])
            yield Diagnosis(
                f"The gradient norm jumped to {jump:.3g}, {jump / usual:.0f} times its median.",
                "Such a step can undo much of the training.",
                "--clip-gradients 1 limits it; lower --learning-rate if it persists.",
            )


CHECKS: tuple[Callable[[Lines, Mapping[str, Any]], Iterator[Diagnosis]], ...] = (
    stuck_at_chance,
    loss_at_zero,
    collapsed,
    falling_rank,
    exploding_gradients,
    temperature_at_its_limit,
    duplicate_captions,
    waiting_for_data,
    unreadable,
)


def as_documents(diagnoses: list[Diagnosis]) -> list[dict[str, str]]:
    """Diagnoses as JSON objects."""
    return [asdict(diagnosis) for diagnosis in diagnoses]
