"""python -m training METHOD | resume | doctor | export | ...: what makes encoders."""

import ast
import json
import signal
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click

from training.claims.command import claims
from training.comparison.command import compare
from training.data.scene_files import scenes
from training.evaluation.command import evaluate
from training.methods import METHODS
from training.models.console import Commands
from training.models.errors import UserError

HERE = Path(__file__).parent


class Methods(Commands):
    """The commands below, and one for each method, made from the method's own settings when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*METHODS, *(name for name in super().list_commands(ctx) if name not in METHODS)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return _Lazy(name) if name in METHODS else super().get_command(ctx, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Methods apart from what is done with their runs."""
        for title, names in {
            "Methods": list(METHODS),
            "Commands": [name for name in super().list_commands(ctx) if name not in METHODS],
        }.items():
            rows = [(name, command.get_short_help_str()) for name in names if (command := self.get_command(ctx, name))]
            with formatter.section(title):
                formatter.write_dl(rows)


class _Lazy(click.Command):
    """A method's command: its line in a list costs no import of torch; everything else makes the whole of it."""

    def __init__(self, name: str):
        file = METHODS.places[name].partition(":")[0]
        text = ast.get_docstring(ast.parse((HERE / "methods" / f"{file}.py").read_text())) or ""
        super().__init__(name, short_help=text.splitlines()[0])
        self.text = text

    def _whole(self) -> click.Command:
        assert self.name is not None
        return method_command(self.name, self.text)

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> click.Context:
        return self._whole().make_context(info_name, args, *rest, **extra)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return self._whole().get_params(ctx)


@click.group(cls=Methods, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Train the encoders that search and label images.

    \b
      python -m training clip --data images.parquet --caption "a photo of a {label}" --out runs/first
      python -m training resume runs/first
      python -m index build ~/Images --into photos.gelato --encoder runs/first
    """


def method_command(name: str, text: str) -> click.Command:
    """The command that pretrains with a method; its options are the settings of run, data and method."""
    from training.data.config import DataConfig
    from training.engine.config import RunConfig

    own = METHODS[name].Config
    parts: dict[str, type] = {"data": DataConfig, "settings": own, "run": RunConfig}
    belongs = {field.name: part for part, config in parts.items() for field in fields(config)}

    def callback(**given: Any) -> None:
        context = click.get_current_context()
        out, explain, as_json = given.pop("out"), given.pop("explain"), given.pop("as_json")
        chosen = {
            option: value
            for option, value in given.items()
            if context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE
        }
        said: dict[str, dict[str, Any]] = {"data": {}, "settings": {}, "run": {}}
        for option, value in chosen.items():
            said[belongs[option]][option] = value
        if not said["data"].get("data"):
            raise click.UsageError("Missing option '--data': what to learn from.")
        data = DataConfig(**said["data"])
        if explain:
            _explain(name, data, said, as_json)
            return
        from training.evaluation.during_training import watch
        from training.pretrain import begin

        run = out or _free(name)
        with Interrupt() as stop:
            trainer = begin(run, name, data, said["run"], said["settings"], watch(data), lambda: stop.asked)
        _done(run, trainer, as_json)

    options = [option for config in parts.values() for option in _options(config)]
    options += [
        click.Option(["--out"], type=click.Path(path_type=Path, file_okay=False), help="The run's folder. [runs/...]"),
        click.Option(["--explain"], is_flag=True, help="Say every setting and where it came from; train nothing."),
        click.Option(["--json", "as_json"], is_flag=True, help="Answer with one JSON document."),
    ]
    settings: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
    return click.Command(name, callback=callback, params=list(options), help=text, context_settings=settings)


def _options(config: type) -> list[click.Option]:
    """An option for each setting of a frozen dataclass of knobs."""
    kinds = get_type_hints(config)
    options = []
    for field in fields(config):
        flag, kind = "--" + field.name.replace("_", "-"), kinds[field.name]
        inner = [of for of in get_args(kind) if of not in (type(None), Ellipsis)]
        choices = field.metadata.get("choices")
        extra: dict[str, Any] = {"help": field.metadata["help"], "default": field.default, "show_default": True}
        if kind is bool:
            flags = [f"{flag}/--no-{flag[2:]}"] if field.default else [flag]
            options.append(click.Option([*flags, field.name], is_flag=True, **extra))
            continue
        extra["type"] = click.Choice(choices) if choices else inner[0] if inner else kind
        if isinstance(field.default, tuple):
            extra |= {"multiple": True, "default": None, "show_default": False}
        options.append(click.Option([flag, field.name], **extra))
    return options


class Interrupt:
    """Ctrl-C, or a scheduler's SIGTERM, asks the run to keep what it has; a second one ends it at once."""

    asked = False

    def __enter__(self) -> "Interrupt":
        self.before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def _free(name: str) -> Path:
    """A folder for a run that nobody named: runs/clip, runs/clip-2, ..."""
    number = 1
    while (path := Path("runs", name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return path


def _explain(name: str, data: Any, said: Mapping[str, Mapping[str, Any]], as_json: bool) -> None:
    from training.engine.distributed import join, leave
    from training.pretrain import plan

    try:
        planned = plan(name, data, said["run"], said["settings"], join(str(said["run"].get("device", "auto"))))
    finally:
        leave()
    document = planned.document()
    for part in ("data", "settings"):
        document["origins"] |= {n: "user" if n in said[part] else "default" for n in document[part]}
    if as_json:
        click.echo(json.dumps(document, indent=1, ensure_ascii=False))
        return
    for part in ("data", "settings", "run"):
        for setting, value in document[part].items():
            shown = ", ".join(map(str, value)) if isinstance(value, tuple | list) else value
            click.echo(f"{setting:22}{shown!s:32}{document['origins'][setting]}")


def _done(run: Path, trainer: Any, as_json: bool) -> None:
    """What came of it, and the next step. Only the rank that leads speaks."""
    if not trainer.world.leads:
        return
    from training.engine.log import read_metrics

    lines = read_metrics(run / "metrics.jsonl")
    last: dict[str, Any] = {}
    for line in lines:
        last |= line
    finished = trainer.step == trainer.config.total_steps
    if as_json:
        click.echo(json.dumps({"run": str(run), "finished": finished, "steps": trainer.step, **last}, indent=1))
    elif finished:
        click.echo(f"{trainer.step:,} steps, loss {last['loss']:.4g}. Next: python -m index build IMAGES ", nl=False)
        click.echo(f"--into my.gelato --encoder {run}")
    else:
        click.echo(f"Stopped after step {trainer.step:,}. Go on with: python -m training resume {run}")
    if not finished:
        raise SystemExit(130)


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(0), help="Processes that prepare batches. [as the run had]")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
def resume(run: Path, workers: int | None, as_json: bool) -> None:
    """Go on with RUN from its last checkpoint, as if it had never stopped."""
    from training.engine.config import read_config
    from training.evaluation.during_training import watch
    from training.pretrain import data_of
    from training.pretrain import resume as go_on

    document = read_config(run)
    with Interrupt() as stop:
        trainer = go_on(run, watch(data_of(document)), lambda: stop.asked, workers=workers)
    _done(run, trainer, as_json)


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
def doctor(run: Path, as_json: bool) -> None:
    """Say what is wrong with RUN, in plain words, and which knob to turn."""
    from training.engine.config import read_config
    from training.engine.doctor import as_documents, diagnose

    findings = diagnose(run / "metrics.jsonl", read_config(run))
    if as_json:
        click.echo(json.dumps(as_documents(findings), indent=1, ensure_ascii=False))
    else:
        click.echo("\n".join(f"- {found}" for found in findings) or "Nothing is wrong that its numbers would show.")


@cli.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--queries", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A query a line.")
@click.option("--per-query", default=20_000, show_default=True, type=click.IntRange(1), help="Pairs a query, at most.")
@click.option("--into", required=True, type=click.Path(path_type=Path, file_okay=False), help="A new folder for it.")
@click.option("--shard-size", default=10_000, show_default=True, type=click.IntRange(1), help="Pairs a tar file.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
def curate(sources: tuple[str, ...], queries: Path, per_query: int, into: Path, shard_size: int, as_json: bool) -> None:
    """Make a balanced set of captioned images, as CLIP's was made: so many pairs for each query.

    Images of each SOURCE whose captions have a query go into tar shards, at most --per-query for each.
    """
    from training.data.curate import Queries
    from training.data.curate import curate as make

    try:
        wanted = Queries(queries.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{queries} cannot be read as text: {error}.") from error
    report = make(sources, wanted, per_query, into, shard_size)
    document = report.as_dict()
    if as_json:
        click.echo(json.dumps(document, indent=1))
        return
    click.echo(
        f"{report.kept:,} of {report.seen:,} pairs kept in {report.shards:,} shards ({report.without_query:,} have no "
        f"query, {report.over:,} only full ones, {report.unreadable:,} cannot be read); "
        f"{document['queries_without_pairs']:,} of {document['queries']:,} queries have none. Counts: "
        f"{into / 'counts.csv'}"
    )


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--format", type=click.Choice(["open_clip", "transformers"]), default="open_clip", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="The folder. [RUN/FORMAT]")
def export(run: Path, format: str, out: Path | None) -> None:
    """Write RUN so that plain open_clip loads it, or its text tower for transformers."""
    from training.export import export as write

    folder = write(run, out or run / format, format)
    if format == "open_clip":
        click.echo(f'Written to {folder}. Next: open_clip.create_model_and_transforms("local-dir:{folder}")')
    else:
        click.echo(f'Written to {folder}. Next: transformers.CLIPTextModelWithProjection.from_pretrained("{folder}")')


@cli.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Where the weights go.")
@click.option("--clipart", type=click.Path(path_type=Path), help="The PNG files of Debian's openclipart-png.")
@click.option(
    "--run", type=click.Path(path_type=Path, file_okay=False), help="Keep the trainer's run here, to go on with."
)
def starter(out: Path, clipart: Path | None, run: Path | None) -> None:
    """Fit the bridge of `starter`, the embedded default, again: the same numbers each time."""
    from training.starter.bridge import CLIPART, fit_bridge

    fit_bridge(out, clipart or CLIPART, say=lambda text: click.echo(text, err=True), run=run)
    click.echo(f"Written to {out}. Its model card is training/models/starter.md")


cli.add_command(evaluate)
cli.add_command(claims)
cli.add_command(compare)
cli.add_command(scenes)


if __name__ == "__main__":
    cli(prog_name="python -m training")
