"""Several probes of one encoder, and what came of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from training.evaluation import PROBES
from training.evaluation.subject import Document, Finding, Subject, Unable
from training.models.errors import UserError
from training.models.registry import pick

ALL = "probes"


@dataclass
class Report:
    """What probes found. facts: of the encoder and the data. skipped: probe to the reason."""

    facts: Document
    found: dict[str, Finding] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def document(self) -> Document:
        """As JSON: a figure, or figures by name, for each probe; facts, notes and what to compare with beside them."""
        document: Document = dict(self.facts)
        document |= {name: finding.figures for name, finding in self.found.items()}
        document["beside"] = {name: _plain(finding) for name, finding in self.found.items() if finding.beside}
        document["notes"] = {name: list(finding.notes) for name, finding in self.found.items() if finding.notes}
        document["skipped"] = self.skipped
        return document


def _plain(finding: Finding) -> Document:
    single = "value" in finding.figures
    return {what: values[""] if single else dict(values) for what, values in finding.beside.items()}


def parse_suite(suite: str) -> list[str]:
    """Names of probes with commas between them; `probes` means all. UserError for an unknown one."""
    names: list[str] = []
    for name in (part.strip() for part in suite.split(",") if part.strip()):
        if name != ALL:
            pick("probe", name, {**dict.fromkeys(PROBES), ALL: None})
        names += [one for one in (PROBES if name == ALL else [name]) if one not in names]
    if not names:
        raise UserError(f"No probe was named; choose from {ALL} (all of them), {', '.join(PROBES)}.")
    return names


def run_suite(
    subject: Subject,
    suite: str = ALL,
    lenient: bool | None = None,
    say: Callable[[str], object] = lambda text: None,
) -> Report:
    """Ask the probes of suite about subject.

    lenient: leave out probes that have nothing to work on, with the reason, rather than fail; left out, only
    for the suite of all. say: told which probe is at work.
    """
    names = parse_suite(suite)
    lenient = suite.strip() == ALL if lenient is None else lenient
    report = Report(facts_of(subject))
    for name in names:
        say(name)
        try:
            report.found[name] = PROBES[name](subject)
        except Unable as error:
            if not lenient:
                raise UserError(f"The probe {name} cannot be run: {error}.") from error
            report.skipped[name] = f"{error}."
    if not report.found:
        raise UserError(f"None of the probes can be run: {'; '.join(f'{n}: {r}' for n, r in report.skipped.items())}")
    return report


def fitting(subject: Subject) -> list[str]:
    """The usual probes that the encoder and the data allow."""
    names = ["geometry"]
    if len(subject.test.classes) >= 2 and (subject.train or len(subject.test.halves(subject.seed)[0]) >= 2):
        names += ["knn", "linear"]
        if subject.encoder.reads_text and not all(name.isdigit() for name in subject.test.classes):
            names.append("zero-shot")
    if subject.encoder.reads_text and len(subject.test.captioned) >= 2:
        names.append("retrieval")
    return names


def facts_of(subject: Subject) -> Document:
    """Which encoder, which data."""
    encoder = subject.encoder
    return {
        "encoder": encoder.name,
        "fingerprint": encoder.fingerprint,
        "dim": encoder.dim,
        "data": subject.data,
        "train": subject.train,
        "seed": subject.seed,
    }
