"""Running several probes on one encoder, and the report of their results."""

from collections.abc import Callable
from dataclasses import dataclass, field

from training.evaluation import PROBES
from training.evaluation.subject import Document, NotApplicable, ProbeResult, Subject
from training.models.errors import UserError
from training.models.registry import pick

ALL = "probes"
DEFAULT_PROBES = ("zero-shot", "retrieval", "knn")  # of a run: quick ones, of which captions and classes allow some
STANDARD = ("geometry", "knn", "linear", "zero-shot", "retrieval")  # of them, what encoder and data allow


@dataclass
class Report:
    """Results of probes. facts: about encoder and data. skipped: the reason for each skipped probe."""

    facts: Document
    results: dict[str, ProbeResult] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def document(self) -> Document:
        """As JSON: a figure, or figures by name, for each probe, with facts, notes and reference values."""
        document: Document = dict(self.facts)
        document |= {name: result.figures for name, result in self.results.items()}
        document["beside"] = {name: _references(result) for name, result in self.results.items() if result.beside}
        document["notes"] = {name: list(result.notes) for name, result in self.results.items() if result.notes}
        document["skipped"] = self.skipped
        return document


def _references(result: ProbeResult) -> Document:
    single = "value" in result.figures
    return {what: values[""] if single else dict(values) for what, values in result.beside.items()}


def parse_suite(suite: str) -> list[str]:
    """The probes of a comma-separated list; `probes` means all. UserError for an unknown name."""
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
    """Run the probes of suite on subject.

    lenient: skip probes that do not apply, with the reason, instead of failing [default: only for the suite of all
    probes, and not if none applies]. say: is called with the name of each probe.
    """
    names = parse_suite(suite)
    skips = suite.strip() == ALL if lenient is None else lenient
    report = Report(facts_of(subject))
    for name in names:
        say(name)
        try:
            report.results[name] = PROBES[name](subject)
        except NotApplicable as error:
            if not skips:
                raise UserError(f"The probe {name} cannot be run: {error}.") from error
            report.skipped[name] = f"{error}."
    if not report.results and lenient is None:
        raise UserError(f"None of the probes can be run: {'; '.join(f'{n}: {r}' for n, r in report.skipped.items())}")
    return report


def default_probes(subject: Subject) -> list[str]:
    """The default probes that apply to the encoder and the data."""
    names = ["geometry"]
    if len(subject.test.classes) >= 2 and (subject.train or len(subject.test.halves(subject.seed)[0]) >= 2):
        names += ["knn", "linear"]
        if subject.encoder.reads_text and not all(name.isdigit() for name in subject.test.classes):
            names.append("zero-shot")
    if subject.encoder.reads_text and len(subject.test.captioned) >= 2:
        names.append("retrieval")
    return names


def facts_of(subject: Subject) -> Document:
    """Facts about the encoder and the data."""
    encoder = subject.encoder
    return {
        "encoder": encoder.name,
        "fingerprint": encoder.fingerprint,
        "dim": encoder.dim,
        "data": subject.data,
        "train": subject.train,
        "seed": subject.seed,
    }
