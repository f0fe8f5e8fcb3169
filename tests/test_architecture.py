"""The arrows of the design, checked: app -> index -> training.{models, data}; nothing points back up."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "app": {"app", "index", "training.models", "training.data", "training.evaluation"},
    "index": {"index", "training.models", "training.data"},
    "training/models": {"training.models"},
    "training/data": {"training.data", "training.models"},
    "training/methods": {"training.methods", "training.data", "training.models"},
    "training/engine": {"training.engine", "training.data", "training.models", "training.methods.base"},
    "training/evaluation": {"training.evaluation", "training.data", "training.models"},
    "training/lessons": {
        "training.lessons",
        "training.methods",
        "training.engine",
        "training.evaluation",
        "training.models",
        "training.data",
    },
    "training": {"training"},
}

# Inside app: page -> tabs -> ui, server.api.schemas, state -> language; server -> state. No tab imports another.
TABS = sorted(folder.name for folder in (ROOT / "app/tabs").iterdir() if (folder / "__init__.py").exists())
INSIDE_APP = {
    "app/language": {"app.language"},
    "app/state": {"app.state", "app.language"},
    "app/server": {
        *("app.server", "app.state", "app.language"),
        *("app.ui.assets", "app.ui.api_docs", "app.ui.language"),  # what it serves
    },
    "app/ui": {"app.ui", "app.state", "app.language"},
    **{
        f"app/tabs/{tab}": {f"app.tabs.{tab}", "app.ui", "app.state", "app.language", "app.server.api.schemas"}
        for tab in TABS
    },
}


@cache
def import_statements(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """Those of a file, at any depth of nesting."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def imports(path: Path) -> set[str]:
    """Our own modules that a file imports, at any depth of nesting."""
    found = set()
    for node in import_statements(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] in ("app", "index", "training", "tests", "benchmarks")}


def strays(package: str, allowed: set[str], within: str = "") -> set[str]:
    """Imports of our own modules, of those whose name begins with within, that package must not have."""
    return {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / package).rglob("*.py")
        for name in imports(path)
        if name.startswith(within) and not any(name == ok or name.startswith(ok + ".") for ok in allowed)
    }


def libraries(path: Path) -> set[str]:
    """The packages that a file imports, at any depth of nesting."""
    names = set()
    for node in import_statements(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_they_rest_on(package):
    assert not strays(package, ALLOWED[package])


@pytest.mark.parametrize("package", INSIDE_APP)
def test_inside_app_nothing_points_back_up_and_no_tab_imports_another(package):
    assert not strays(package, INSIDE_APP[package], within="app.")


def test_state_knows_neither_gradio_nor_http():
    web = {"gradio", "fastapi", "starlette", "uvicorn"}
    assert not {path.name for path in (ROOT / "app/state").rglob("*.py") if libraries(path) & web}


def test_app_computes_nothing():
    numeric = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "app").rglob("*.py")
        if libraries(path) & {"numpy", "scipy", "torch", "faiss", "sklearn"}
    }
    assert not {path for path in numeric if not path.startswith("app/state/")}


def test_training_itself_is_empty_so_that_serving_never_loads_the_trainer():
    assert not (ROOT / "training/__init__.py").read_text().strip()


def test_the_page_is_made_without_loading_torch_open_clip_catalogues_or_what_trains():
    heavy = {"torch", "open_clip", "timm", "sklearn", "scipy", "babel.messages", "training.engine"}
    script = f"import sys, app.application; print('LOADED', {heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "LOADED set()" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("command", ["app.py", "-m index", "-m training"])
def test_help_answers_without_loading_torch_open_clip_gradio_or_pandas(command):
    script = (
        "import sys, runpy; sys.argv = ['x', '--help']\ntry:\n    {}\nexcept SystemExit as e:\n    assert not e.code\n"
    )
    run = "runpy.run_path('app.py', run_name='__main__')"
    if command != "app.py":
        run = f"runpy.run_module('{command.split()[1]}', run_name='__main__')"
    script = (
        script.format(run) + "print('LOADED', {'torch', 'open_clip', 'gradio', 'pandas', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "LOADED set()" in done.stdout, done.stdout + done.stderr
    assert "Usage:" in done.stdout
