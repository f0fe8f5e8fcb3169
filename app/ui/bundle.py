"""One script of all scripts of the page: over a slow line a hundred requests take longer than their bytes.

Each module becomes a function that is called once, after the modules that it imports; its exports are an entry of
`modules`. The scripts are formatted, so that imports and exports stand at the beginning of lines.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping

IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";[^\n]*\n', re.MULTILINE)
DECLARED = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
LISTED = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
LATER = re.compile(r"\bimport\(`\./")  # a module that is fetched when its name is known
COMMENT = re.compile(r"^ *//.*\n", re.MULTILINE)  # a line of its own
LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def bundle(scripts: Mapping[str, str]) -> str:
    """A module that exports `modules`, the exports of each script by its path. scripts: their text by path.

    ValueError for an import in a circle, of what is not there, or in a form that is not read here.
    """
    parts = [_called(path, scripts[path]) for path in in_order(scripts)]
    return "\n".join(["const modules = {};", *parts, "export { modules };", ""])


def in_order(scripts: Mapping[str, str]) -> list[str]:
    """The paths of all scripts, each after those that it imports."""
    ordered: list[str] = []

    def visit(path: str, importers: tuple[str, ...]) -> None:
        if path in importers:
            raise ValueError(f"Scripts import each other in a circle: {' -> '.join([*importers, path])}.")
        if path in ordered:
            return
        if path not in scripts:
            raise ValueError(f"{importers[-1]} imports {path}, which is not there.")
        for imported in imports(path, scripts[path]):
            visit(imported, (*importers, path))
        ordered.append(path)

    for path in sorted(scripts):
        visit(path, ())
    return ordered


def imports(path: str, script: str) -> Iterator[str]:
    """The paths of the modules that a script imports."""
    for found in IMPORT.finditer(script):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(path), found[2]))


def _called(path: str, script: str) -> str:
    """The entry of a script: a function that is called at once, as top-level await may be in it."""
    folder = posixpath.dirname(path)
    names = [*DECLARED.findall(script)]
    for listed in LISTED.findall(script):
        names += [name.strip() for name in listed.split(",") if name.strip()]

    def taken(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, found[2]))
        return f'const {{{found[1].replace(" as ", ": ")}}} = modules["{target}"];\n'

    body = COMMENT.sub("", LISTED.sub("", DECLARED.sub("", IMPORT.sub(taken, script))))
    left = LEFT.search(body)
    if left:
        raise ValueError(f"{path} has an import or export that the bundle does not read: {left[0]}")
    body = LATER.sub(f"import(`./{folder}/", body)
    return f'modules["{path}"] = await (async () => {{\n{body}return {{ {", ".join(names)} }};\n}})();'
