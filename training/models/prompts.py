"""Prompt templates: the sentences that a class name is put into before it is embedded."""

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

from training.models.errors import UserError
from training.models.registry import pick

TEMPLATE_SETS: Mapping[str, str] = {
    "plain": "the bare name",
    "photo": "a photo of a {}.",
    "7": "the 7 of open_clip, chosen for ImageNet by CLIP's authors",
    "80": "the 80 of open_clip, by CLIP's authors (slow on a CPU: 80 prompts a class)",
}


def template_set(name: str) -> list[str]:
    """Templates with one {} each: of a set by its name, of a text file with one a line, or of such lines.

    UserError for an unknown name, a file without templates, or a line without {}.
    """
    if "\n" in name:
        return parse_templates(name)
    if name not in TEMPLATE_SETS and Path(name).is_file():
        return _from_file(Path(name))
    pick("template set", name, TEMPLATE_SETS)
    if name == "plain":
        return ["{}"]
    if name == "photo":
        return ["a photo of a {}."]
    return _of_open_clip("SIMPLE_IMAGENET_TEMPLATES" if name == "7" else "OPENAI_IMAGENET_TEMPLATES")


def parse_templates(text: str, source: str = "The list of prompt templates") -> list[str]:
    """One template a line, each with one {} where the class goes; UserError that says where one is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wrong = next((line for line in lines if line.count("{}") != 1), None)
    if not lines or wrong is not None:
        seen = f"the line {wrong!r}" if wrong is not None else "no lines"
        raise UserError(f"{source} has {seen}; each line is a template with one {{}} where the class goes.")
    return lines


def _from_file(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as text: {error}.") from error
    return parse_templates(text, str(path))


@cache
def _of_open_clip(name: str) -> list[str]:
    """open_clip's own list, read from its file alone: importing the package takes seconds and loads torch."""
    package = find_spec("open_clip")
    if package is None or package.origin is None:
        raise UserError("These templates come with open_clip, which is not installed: pip install open_clip_torch.")
    spec = spec_from_file_location("_open_clip_templates", Path(package.origin).with_name("zero_shot_metadata.py"))
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return [template("{}") for template in getattr(module, name)]
