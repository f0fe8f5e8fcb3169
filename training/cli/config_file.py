"""Settings from a file: `--config FILE`, whose settings the command line overrides."""

import json
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from training.cli.other_names import SAME, VALUES, our_name
from training.models.errors import UserError

NO_SETTINGS = ("config", "explain", "as_json", "help")  # options that say what to do, not how a run is
DERIVED = ("data", "machine")  # origins of values that the next run works out for itself


def config_option() -> click.Option:
    """`--config`: its settings become defaults of the command, checked as the command line is."""
    return click.Option(
        ["--config"],
        type=click.Path(path_type=Path),
        is_eager=True,
        callback=_take,
        help="Settings from a YAML, TOML or JSON file, or those of a run; the command line overrides them.",
    )


def _take(ctx: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    if path is not None:
        ctx.default_map = settings_in(path, ctx.command)
    return path


def settings_in(path: Path, command: click.Command) -> dict[str, Any]:
    """The settings of a file by the names of the command's parameters. UserError for what it does not have.

    A key is the name of an option, with hyphens or underscores, or another trainer's name for it. path: a file, or a
    run, whose values that followed from its data or its machine are left out.
    """
    from training.engine.config import CONFIG

    path = path / CONFIG if path.is_dir() else path
    document = read_mapping(path)
    if {"method", "data", "run", "settings", "origins"} <= document.keys():
        document = _of_run(document)
    if (method := document.pop("method", command.name)) != command.name:
        raise UserError(f"{path} has settings of {method}: write python -m training {method} --config {path}.")
    options = {
        flag: option
        for option in command.params
        if isinstance(option, click.Option) and option.name not in NO_SETTINGS
        for flag in (*option.opts, *option.secondary_opts)
    }
    found: dict[str, Any] = {}
    keys: dict[str, str] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            raise UserError(f"{path}: {key} is nested; write each setting as a key of its own at the top.")
        flag = _flag(path, str(key), options)
        option = options[flag]
        assert option.name is not None
        if option.name in keys:
            raise UserError(f"{path} has both {keys[option.name]} and {key}, which are the same setting; leave one.")
        keys[option.name] = str(key)
        if value is not None:
            found[option.name] = _value(path, str(key), value, option, flag)
    return found


def read_mapping(path: Path) -> dict[str, Any]:
    """The keys and values of a YAML, TOML or JSON file, by its ending. UserError if it cannot be read."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{path} is none of the files that --config reads: {', '.join(READERS)}, or a run.")
    try:
        document = reader(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
    if not isinstance(document, dict):
        raise UserError(f"{path} has no settings; write one a line, such as batch_size: 256.")
    return document


def _yaml(text: str) -> Any:
    """YAML; ValueError for a key that is there twice, of which PyYAML takes the last."""
    import yaml

    try:
        node = yaml.compose(text, yaml.SafeLoader)
        keys = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
        if twice := [key for number, key in enumerate(keys) if key in keys[:number]]:
            raise ValueError(f"{twice[0]} is there twice")
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


READERS: dict[str, Callable[[str], Any]] = {
    ".yaml": _yaml,
    ".yml": _yaml,
    ".toml": tomllib.loads,
    ".json": json.loads,
}


def _of_run(document: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run's own config.json, but those that its data or its machine gave."""
    settings = {**document["data"], **document["settings"], **document["run"]}
    origins = document["origins"]
    kept = {n: v for n, v in settings.items() if origins.get(n, "").partition(":")[0] not in DERIVED}
    return {"method": document["method"], **kept}


def _flag(path: Path, key: str, options: Mapping[str, click.Option]) -> str:
    """The option that a key names."""
    try:
        flag = our_name(f"--{key}", options.keys())
    except click.UsageError as error:
        raise UserError(f"{path}: {error.format_message()}") from error
    if flag not in options:
        known = {name.removeprefix("--").replace("-", "_") for name in (*options, *SAME)}
        nearest = get_close_matches(key.replace("-", "_"), known, n=1)
        hint = f" Did you mean {nearest[0]}?" if nearest else " Each option that --help lists is one."
        raise UserError(f"{path}: there is no setting {key!r}.{hint}")
    return flag


def _value(path: Path, key: str, value: object, option: click.Option, flag: str) -> Any:
    """A value as the command line would give it."""
    several = value if isinstance(value, list) else [value]
    if any(isinstance(one, dict | list) for one in several):
        raise UserError(f"{path}: {key} is nested; write each setting as a key of its own at the top.")
    if option.is_flag:
        if not isinstance(value, bool):
            raise UserError(f"{path}: {key} is {value!r}; it can be true or false.")
        return value == (flag in option.opts)
    if any(isinstance(one, bool) for one in several):
        raise UserError(f"{path}: {key} is {str(value).lower()}; it takes a value.")
    words = [VALUES.get(flag, {}).get(str(one), str(one)) for one in several]
    if isinstance(value, list) and not option.multiple:
        raise UserError(f"{path}: {key} is a list; it takes one value.")
    try:
        for word in words:
            option.type.convert(word, option, None)
    except click.BadParameter as error:
        raise UserError(f"{path}: {key}: {error.message}") from error
    return words if option.multiple else words[0]
