"""One command for each pretraining method, its options made from the config dataclasses."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import click

from training.cli.config_file import config_option
from training.cli.other_names import COMMANDS, ForgivingCommand
from training.cli.run_output import interruptible, print_end
from training.methods import METHODS
from training.models.console import Commands, print_json
from training.models.errors import UserError
from training.recipes import RECIPES, Recipe, recipe_of

if TYPE_CHECKING:
    from training.data.config import DataConfig

FOLDER = Path(__file__).parent.parent / "methods"


class Methods(Commands):
    """The commands below, and one for each method, made from the method's own settings when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*METHODS, *(name for name in super().list_commands(ctx) if name not in METHODS)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return LazyMethodCommand(name) if name in METHODS else super().get_command(ctx, name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0].replace("_", "-").lower()
        if name in COMMANDS:
            raise click.UsageError(f"There is no command {args[0]}: {COMMANDS[name]}.", ctx)
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = get_close_matches(name, self.list_commands(ctx), n=1)
            instead = f"Did you mean {near[0]}?" if near else f"The methods are {', '.join(METHODS)}."
            raise click.UsageError(f"There is no command {args[0]}. {instead}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Methods apart from what is done with their runs."""
        for title, names in {
            "Methods": list(METHODS),
            "Commands": [name for name in super().list_commands(ctx) if name not in METHODS],
        }.items():
            rows = [(name, command.get_short_help_str()) for name in names if (command := self.get_command(ctx, name))]
            with formatter.section(title):
                formatter.write_dl(rows)


class LazyMethodCommand(click.Command):
    """A method's command: its line in a list costs no import of torch; everything else makes the whole of it."""

    def __init__(self, name: str):
        file = METHODS.places[name].partition(":")[0]
        text = ast.get_docstring(ast.parse((FOLDER / f"{file}.py").read_text(encoding="utf-8"))) or ""
        super().__init__(name, short_help=text.splitlines()[0])
        self.text = text

    def _whole(self) -> click.Command:
        assert self.name is not None
        return method_command(self.name, self.text)

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> click.Context:
        return self._whole().make_context(info_name, args, *rest, **extra)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return self._whole().get_params(ctx)


def method_command(name: str, text: str) -> click.Command:
    """The command that pretrains with a method; its options are the settings of run, data and method."""
    from training.data.config import DataConfig
    from training.engine.config import RunConfig

    own = METHODS[name].Config
    parts: dict[str, type] = {"data": DataConfig, "settings": own, "run": RunConfig}
    belongs = {field.name: part for part, config in parts.items() for field in fields(config)}

    def callback(**given: Any) -> None:
        out, explain, as_json, config = (given.pop(name) for name in ("out", "explain", "as_json", "config"))
        recipe = recipe_of(name, chosen) if (chosen := given.pop("recipe")) else None
        origins = given_origins(click.get_current_context(), given, config)
        if recipe is not None:
            rest = {option: setting.value for option, setting in recipe.settings.items() if option not in origins}
            given |= rest
            origins |= dict.fromkeys(rest, f"recipe {recipe.name}")
        user: dict[str, dict[str, Any]] = {"data": {}, "settings": {}, "run": {}}
        for option in origins:
            user[belongs[option]][option] = given[option]
        if not user["data"].get("data"):
            raise click.UsageError("Missing option '--data': the training data.")
        data = DataConfig(**user["data"])
        check_used(name, user)
        if explain:
            print_settings(name, data, user, origins, recipe, as_json)
            return
        from training.evaluation.during_training import evaluator
        from training.pretrain import begin

        run = out or free_folder(name)
        with interruptible() as stop:
            parts = name, data, user["run"], user["settings"]
            evaluate = evaluator(data, METHODS[name].needs_captions)
            trainer = begin(run, *parts, evaluate, lambda: stop.requested, origins=origins)
        print_end(run, trainer, as_json)

    options = [option for config in parts.values() for option in _options(config, METHODS[name].recipe)]
    options += [
        config_option(),
        _recipe_option(name),
        click.Option(
            ["--out"],
            type=click.Path(path_type=Path, file_okay=False),
            help="The run directory. [default: runs/METHOD]",
        ),
        click.Option(["--explain"], is_flag=True, help="Print every setting and its origin; train nothing."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON document."),
    ]
    settings: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
    return ForgivingCommand(name, callback=callback, params=list(options), help=text, context_settings=settings)


def check_used(method: str, user: Mapping[str, Mapping[str, Any]]) -> None:
    """UserError for an option that would have no effect."""
    data, run = user["data"], user["run"]
    if not data.get("evaluate"):
        for option, value in {"suite": data.get("suite"), "evaluate-every": run.get("evaluate_every")}.items():
            if value:
                raise UserError(f"--{option} is about evaluation, and --evaluate names no source for it.")
    if data.get("text_tower") and not METHODS[method].needs_captions:
        raise UserError(f"{method} trains an image tower alone; leave --text-tower out.")


def _recipe_option(method: str) -> click.Option:
    names = [name for name, recipe in RECIPES.items() if recipe.method == method]
    known = f"There is {', '.join(names)}." if names else "There is none for this method."
    text = f"Settings of a paper at its real scale; other options override them. {known}"
    return click.Option(["--recipe"], metavar="NAME", help=text)


def _options(config: type, recipe: Mapping[str, Any]) -> list[click.Option]:
    """An option for each setting of a frozen dataclass of knobs. recipe: defaults of the method's paper."""
    kinds = get_type_hints(config)
    options = []
    for field in fields(config):
        flag, kind = "--" + field.name.replace("_", "-"), kinds[field.name]
        inner = [of for of in get_args(kind) if of not in (type(None), Ellipsis)]
        choices = field.metadata.get("choices")
        text, default = field.metadata["help"], field.default
        if recipe.get(field.name) is not None:
            text, default = text.partition(" [default:")[0], recipe[field.name]
        extra: dict[str, Any] = {"help": text, "default": default, "show_default": "[default:" not in text}
        if kind is bool:
            flags = [f"{flag}/--no-{flag[2:]}"] if field.default else [flag]
            options.append(click.Option([*flags, field.name], is_flag=True, **extra))
            continue
        extra["type"] = click.Choice(choices) if choices else inner[0] if inner else kind
        if isinstance(field.default, tuple):
            extra |= {"multiple": True, "default": None, "show_default": False}
        options.append(click.Option([flag, *field.metadata.get("flags", ()), field.name], **extra))
    return options


def given_origins(context: click.Context, options: Iterable[str], config: Path | None) -> dict[str, str]:
    """The options that were given, and where: on the command line or in the file config. The former replaces the
    latter, and so --epochs there the steps of a file.
    """
    places = {
        click.core.ParameterSource.COMMANDLINE: "command line",
        click.core.ParameterSource.DEFAULT_MAP: f"file: {config}",
    }
    sources = {option: context.get_parameter_source(option) for option in options}
    found = {option: places[source] for option, source in sources.items() if source in places}
    if found.get("epochs") == "command line" != found.get("steps"):
        found.pop("steps", None)
    return found


def free_folder(name: str) -> Path:
    """The first unused folder of runs/clip, runs/clip-2, ... for a run without --out."""
    number = 1
    while (path := Path("runs", name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return path


def print_settings(
    name: str,
    data: "DataConfig",
    user: Mapping[str, Mapping[str, Any]],
    origins: Mapping[str, str],
    recipe: Recipe | None,
    as_json: bool,
) -> None:
    """Print the value and the origin of each setting, and what the recipe's paper says. user: given options by part."""
    from training.engine.distributed import join, leave
    from training.pretrain import plan

    try:
        world = join(str(user["run"].get("device", "auto")))
        planned = plan(name, data, user["run"], user["settings"], world, origins)
    finally:
        leave()
    document = planned.document()
    papers = {} if recipe is None else recipe.settings
    if as_json:
        print_json(document if recipe is None else document | {"recipe": asdict(recipe)})
        return
    if recipe is not None:
        click.echo("\n".join(filter(None, [recipe.paper, f"data: {recipe.data}", recipe.reported, ""])))
    for part in ("data", "settings", "run"):
        for setting, value in document[part].items():
            shown = ", ".join(map(str, value)) if isinstance(value, tuple | list) else value
            line = f"{setting:22}{shown!s:32}{document['origins'][setting]}"
            in_paper = f"{papers[setting].paper} ({papers[setting].where})" if setting in papers else ""
            click.echo(f"{line:86}{in_paper}".rstrip())
