"""What is wrong with a run, in plain words, from the numbers that it left behind."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.engine.log import read_metrics
from training.models.errors import UserError

Lines = list[dict[str, Any]]
STUCK = 0.02  # relative: a loss that stays this close to a constant has learned nothing of it
FEW = 5  # lines that it takes to say anything


@dataclass(frozen=True)
class Finding:
    """what: one sentence about what was seen. so: what it means. turn: the knob that helps."""

    what: str
    so: str
    turn: str

    def __str__(self) -> str:
        return f"{self.what} {self.so} {self.turn}"


def diagnose(metrics: Path, document: Mapping[str, Any]) -> list[Finding]:
    """Everything that is wrong with a run, the worst first; empty if nothing is.

    metrics: its metrics.jsonl. document: what its config.json holds.
    """
    lines = [line for line in read_metrics(metrics) if "learning_rate" in line]
    if not lines:
        raise UserError(f"{metrics} has no lines yet; wait for the first, every {document['run']['log_every']} steps.")
    return [found for check in CHECKS for found in check(lines, document)]


def numbers(lines: Lines, name: str) -> list[float]:
    """The values of name, of the lines that have one."""
    return [float(line[name]) for line in lines if line.get(name) is not None]


def not_a_number(lines: Lines, document: Mapping[str, Any]) -> Iterator[Finding]:
    lost = next((line["step"] for line in lines if line["loss"] is None), None)
    if lost is not None:
        yield Finding(
            f"The loss stopped being a number by step {lost}.",
            "The weights since then are of no use.",
            f"Lower --learning-rate (now {document['run']['learning_rate']:g}), try --clip-gradients 1 and a longer "
            f"--warmup; with --precision f16 try bf16.",
        )


def stuck_at_chance(lines: Lines, document: Mapping[str, Any]) -> Iterator[Finding]:
    """A loss of ln K for a K that the method has: what an encoder scores that tells nothing apart."""
    loss = numbers(lines, "loss")
    late = loss[len(loss) // 2 :]
    if len(loss) < FEW:
        return
    for size, what, turn in chances(document):
        chance = math.log(size)
        if all(abs(value - chance) <= STUCK * chance for value in late):
            yield Finding(
                f"The loss stays at {late[-1]:.3f}, which is ln {size} = {chance:.3f}.",
                f"That is what guessing among {what} scores: the embeddings tell nothing apart.",
                turn,
            )
            return


def chances(document: Mapping[str, Any]) -> list[tuple[int, str, str]]:
    """For a method: how many it tells apart, what they are, and what to turn when it cannot."""
    batch, method, settings = document["run"]["batch_size"], document["method"], document["settings"]
    slower = "Lower --learning-rate or lengthen --warmup; check that captions belong to their images."
    simpler = "Lower --learning-rate or lengthen --warmup."
    found = {
        "clip": [(batch, f"the {batch} captions of a batch", slower)],
        "simclr": [(2 * batch - 1, f"the {2 * batch - 1} other views", "Lower --temperature, or --learning-rate.")],
        "relative-position": [(8, "the eight sides", simpler)],
    }.get(method, [])
    of_setting = {  # what is told apart is a setting of the method's own
        "moco": ("queue", 1, "the keys of the queue", "A smaller --queue holds keys of one age; try it."),
        "swav": ("prototypes", 0, "the prototypes", "Raise --freeze, take fewer --prototypes, begin with --queue 0."),
        "dino": ("outputs", 0, "the outputs", "Lower --teacher-temperature; on little data --momentum 0.99."),
        "jigsaw": ("permutations", 0, "the orders", f"Take fewer --permutations. {simpler}"),
    }
    if method in of_setting:
        name, more, what, turn = of_setting[method]
        found = [(settings[name] + more, what, turn)] if name in settings else []
    return found


def loss_at_zero(lines: Lines, document: Mapping[str, Any]) -> Iterator[Finding]:
    loss = numbers(lines, "loss")
    if len(loss) >= FEW and document["method"] in ("dino", "swav") and max(loss[len(loss) // 2 :]) < 1e-3:
        yield Finding(
            "The loss has fallen to zero.",
            "Teacher and student agree on one answer for every image: the other kind of collapse.",
            "Raise --code-epsilon for swav, --teacher-temperature for dino.",
        )


def one_answer(lines: Lines, document: Mapping[str, Any]) -> Iterator[Finding]:
    """Collapse as methods without negatives have it: the same vector, or the same cluster, for every image."""
    spread = numbers(lines, "projection_spread")
    if len(spread) >= FEW and max(spread[-FEW:]) < min(0.3, spread[0] / 2):
        yield Finding(
            f"What the loss sees of images has come together: spread {spread[0]:.2f}, now {spread[-1]:.2f}.",
            "One answer for every image is a perfect score where there are no negatives, and says nothing.",
            f"{_switched_off(document) or 'Lower --learning-rate, or raise --momentum.'}",
        )
    usage, chance = numbers(lines, "usage"), numbers(lines, "chance")
    if len(usage) >= FEW and chance and max(usage[-FEW:]) * math.exp(chance[-1]) < 2:
        yield Finding(
            f"One of {math.exp(chance[-1]):.0f} clusters takes every image.",
            "The method has found the one answer that is always right, and the loss falls to nothing.",
            f"{_switched_off(document) or 'Lower --learning-rate; with a teacher, a faster --momentum.'}",
        )
    entropy = numbers(lines, "entropy")
    if len(entropy) >= FEW and chance and min(entropy[-FEW:]) > 0.99 * chance[-1]:
        yield Finding(
            f"The teacher's answers are all alike (entropy {entropy[-1]:.2f} of at most {chance[-1]:.2f}).",
            "It tells no image from any other, and neither will the student.",
            f"{_switched_off(document) or 'Lower --teacher-temperature, or --momentum to 0.99 on little data.'}",
        )


def _switched_off(document: Mapping[str, Any]) -> str:
    """The parts that keep a method from collapsing and that this run does without."""
    parts = ("predictor", "stop_gradient", "sinkhorn", "centring", "sharpening")
    off = [f"--no-{part.replace('_', '-')}" for part in parts if document["settings"].get(part) is False]
    return f"The run has {' and '.join(off)}; leave that out." if off else ""


def temperature_at_its_clamp(lines: Lines, document: Mapping[str, Any]) -> Iterator[Finding]:
    scale = numbers(lines, "scale")
    if len(scale) >= FEW and min(scale[-FEW:]) > 99.9:
        yield Finding(
            "The temperature is at its clamp (a scale of 100).",
            "The loss wants to be sharper than it may, usually because the batch has become too easy.",
            "A larger --batch-size, --hard-negatives or more various data gives it something to tell apart.",
        )
    if len(scale) >= FEW and max(scale[-FEW:]) < 1.1:
        yield Finding(
            "The temperature has gone to its other end (a scale of 1).",
            "The loss has given up telling pairs apart, usually because the captions do not fit their images.",
            "Look at a few pairs; lower --learning-rate.",
        )


def rank_that_falls(lines: Lines, document: Mapping[str, Any]) -> Iterator[Finding]:
    rank = numbers(lines, "effective_rank")
    if len(rank) >= 2 * FEW:
        best, now = max(rank[:-FEW]), sum(rank[-FEW:]) / FEW
        if now < best / 2:
            yield Finding(
                f"The effective rank of the embeddings has fallen from {best:.1f} to {now:.1f}.",
                "They use ever fewer directions, which is how a collapse begins.",
                "Lower --learning-rate, take a larger --batch-size; with a teacher, a slower one.",
            )
    elif len(rank) >= FEW and max(rank[-FEW:]) < 1.5:
        yield Finding(
            f"The effective rank of the embeddings is {rank[-1]:.1f}.",
            "All images are embedded along one direction.",
            "Lower --learning-rate or lengthen --warmup.",
        )


def starving(lines: Lines, document: Mapping[str, Any]) -> Iterator[Finding]:
    waiting = numbers(lines, "waiting")[1:]  # the first window waits for the workers to start
    if len(waiting) >= 2 and (share := sorted(waiting)[len(waiting) // 2]) > 0.3:
        yield Finding(
            f"The run waits for its data {share:.0%} of the time.",
            "Reading or preparing images is slower than learning from them.",
            f"Raise --workers (now {document['run']['workers']}) or --cache, or keep images at the size of --canvas.",
        )


def duplicate_captions(lines: Lines, document: Mapping[str, Any]) -> Iterator[Finding]:
    share, floor = numbers(lines, "duplicates"), numbers(lines, "floor")
    if not share or document["settings"].get("multi_positive") or document["method"] == "devise":
        return
    mean = sum(share) / len(share)
    if mean > 0.05:
        yield Finding(
            f"{mean:.0%} of the captions in a batch belong to another image too.",
            f"No softmax loss can fall below about {sum(floor) / len(floor):.2f} then: right pairs are pushed apart.",
            "--multi-positive counts them all as right; more various captions are better still.",
        )


def unreadable(lines: Lines, document: Mapping[str, Any]) -> Iterator[Finding]:
    broken = numbers(lines, "unreadable")
    seen = lines[-1]["step"] * document["run"]["batch_size"] * document["run"]["accumulate"]
    if broken and broken[-1] > 0.01 * seen:
        yield Finding(
            f"{broken[-1]:,.0f} of {seen:,} images could not be read.",
            "Others stood in for them.",
            "unreadable.tsv in the run's folder names each with the reason.",
        )


def gradients_that_explode(lines: Lines, document: Mapping[str, Any]) -> Iterator[Finding]:
    norms = numbers(lines, "gradient_norm")
    if len(norms) >= 2 * FEW:
        usual = sorted(norms)[len(norms) // 2]
        if usual > 0 and max(norms[-FEW:]) > 100 * usual:
            jump = max(norms[-FEW:])
            yield Finding(
                f"The gradient's length jumped to {jump:.3g}, {jump / usual:.0f} times the usual.",
                "A step like that can undo a day's learning.",
                "--clip-gradients 1 cuts it; lower --learning-rate if it stays.",
            )


CHECKS: tuple[Callable[[Lines, Mapping[str, Any]], Iterator[Finding]], ...] = (
    not_a_number,
    stuck_at_chance,
    loss_at_zero,
    one_answer,
    rank_that_falls,
    gradients_that_explode,
    temperature_at_its_clamp,
    duplicate_captions,
    starving,
    unreadable,
)


def as_documents(findings: list[Finding]) -> list[dict[str, str]]:
    """Findings as JSON holds them."""
    return [asdict(finding) for finding in findings]
