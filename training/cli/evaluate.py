"""python -m training evaluate: run probes on an encoder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from training.data.tables.flags import table_options
from training.data.tables.options import TableOptions
from training.evaluation import PROBES
from training.models.console import ProgressLine, answer, written_to
from training.models.errors import UserError

if TYPE_CHECKING:
    from training.evaluation.suite import Report


@click.command()
@click.argument("encoder", required=False)
@click.option("--data", metavar="SOURCE", help="The test images; without it, only probes that generate their data run.")
@click.option("--train", metavar="SOURCE", help="Training images of probes. [default: half of --data]")
@click.option("--suite", help=f"Comma-separated probes: {', '.join(PROBES)}; `probes` for all.")
@click.option("--features", type=click.Path(path_type=Path, dir_okay=False), help="Saved embeddings (.npz) of pairs.")
@table_options
@click.option("--label-column", help="The column of the class. [default: the first that looks like one]")
@click.option(
    "--class-depth",
    type=click.IntRange(0),
    help="Folders, from the top, that make a class; 0 for all. [default: a run's, else 1]",
)
@click.option(
    "--templates",
    help="Prompt templates: plain, photo, 7, 80, a file, or one such as 'a drawing of a {}'. [default: a run's "
    "captions, else photo]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for the report as JSON, Markdown and HTML.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of samples and of the split.")
@click.option("--quick", is_flag=True, help="Fewer items and wider intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--runtime", help="openvino or torch. [default: the fastest; for a run torch in f32, as during training]")
@click.option(
    "--precision", help="f32, bf16, f16 or int8. [default: bf16 or f16 if the hardware supports it, else f32]"
)
def evaluate(
    encoder: str | None,
    data: str | None,
    train: str | None,
    suite: str | None,
    features: Path | None,
    tables: TableOptions,
    label_column: str | None,
    class_depth: int | None,
    templates: str | None,
    out: Path | None,
    seed: int,
    quick: bool,
    as_json: bool,
    runtime: str | None,
    precision: str | None,
) -> None:
    """Evaluate ENCODER with probes; every figure has a 95 % interval.

    \b
      python -m training evaluate starter --data photos.csv --suite knn,linear,zero-shot
      python -m training evaluate runs/first --suite probes --out report
      python -m training evaluate --features pairs.npz --suite winoground
    """
    from training.evaluation.report import markdown, write_report
    from training.evaluation.suite import parse_suite

    if suite is not None:
        parse_suite(suite)  # report a wrong name before anything is loaded
    if out is not None:
        with written_to(out):
            out.mkdir(parents=True, exist_ok=True)
    if features is not None:
        report = _of_features(encoder, features, suite or "winoground")
    elif encoder is None:
        raise click.UsageError("Missing argument 'ENCODER', or --features with saved embeddings.")
    else:
        report = _of_encoder(
            encoder,
            suite,
            runtime,
            precision,
            templates,
            (label_column, class_depth),
            {"data": data, "train": train, "tables": tables, "seed": seed, "quick": quick},
        )
    if out is not None:
        write_report(report, out)
        click.echo(f"Written to {out / 'report.html'}, report.md and report.json.", err=True)
    answer(as_json, report.document(), markdown(report))


def _of_encoder(
    name: str,
    suite: str | None,
    runtime: str | None,
    precision: str | None,
    templates: str | None,
    classes: tuple[str | None, int | None],
    settings: dict[str, Any],
) -> "Report":
    from training.data.labels import ClassColumn
    from training.evaluation.run_defaults import class_depth_for, runtime_for, templates_for
    from training.evaluation.subject import Subject
    from training.evaluation.suite import ALL, default_probes, run_suite
    from training.models.encoders import load_encoder

    if suite is None and settings["data"] is None:
        raise click.UsageError(
            f"Missing option '--data' or '--suite': the test images, or the probes ('--suite {ALL}' for all)."
        )
    prompts = templates_for(name, templates)
    runtime, precision = runtime_for(name, runtime, precision)
    line = ProgressLine("Embedding")
    column = ClassColumn(classes[0], class_depth_for(name, classes[1]))
    loaded = load_encoder(name, runtime, precision)
    subject = Subject(loaded, classes=column, templates=prompts, progress=line.show, **settings)
    names = suite or ",".join(default_probes(subject))
    report = run_suite(subject, names, say=lambda probe: click.echo(f"{probe} ...", err=True))
    line.close()
    return report


def _of_features(encoder: str | None, path: Path, suite: str) -> "Report":
    from training.evaluation.pairs import load_features
    from training.evaluation.suite import Report, parse_suite
    from training.evaluation.winoground import result_of

    if encoder is not None:
        raise UserError(f"--features holds embeddings already; leave {encoder} out.")
    if parse_suite(suite) != ["winoground"]:
        raise UserError("Saved embeddings of pairs can be scored by winoground only; other probes need an ENCODER.")
    arrays, tags = load_features(path)
    try:
        result = result_of(arrays, tags)
    except ValueError as error:
        raise UserError(f"{path} cannot be scored: {error}.") from error
    return Report({"encoder": str(path), "fingerprint": "saved embeddings", "data": str(path)}, {"winoground": result})
