"""The arrows of the design, checked: app -> index -> training.{models, data}; nothing points back up."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "app": {"app", "index", "training.models", "training.data", "training.evaluation"},
    "index": {"index", "training.models", "training.data"},
    "training/models": {"training.models"},
    "training/data": {"training.data", "training.models"},
    "training/methods": {"training.methods", "training.data", "training.models"},
    "training/engine": {"training.engine", "training.data", "training.models"},
    "training/evaluation": {"training.evaluation", "training.data", "training.models"},
    "training": {"training"},
}


def imports(path: Path) -> set[str]:
    """Our own modules that a file imports, at any depth of nesting."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] in ("app", "index", "training", "tests", "benchmarks")}


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_they_rest_on(package):
    strays = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / package).rglob("*.py")
        for name in imports(path)
        if not any(name == ok or name.startswith(ok + ".") for ok in ALLOWED[package])
    }
    assert not strays


def test_training_itself_is_empty_so_that_serving_never_loads_the_trainer():
    assert not (ROOT / "training/__init__.py").read_text().strip()


@pytest.mark.parametrize("command", ["app.py", "-m index", "-m training"])
def test_help_answers_without_loading_torch_open_clip_or_gradio(command):
    script = (
        "import sys, runpy; sys.argv = ['x', '--help']\ntry:\n    {}\nexcept SystemExit as e:\n    assert not e.code\n"
    )
    run = "runpy.run_path('app.py', run_name='__main__')"
    if command != "app.py":
        run = f"runpy.run_module('{command.split()[1]}', run_name='__main__')"
    script = script.format(run) + "print('LOADED', {'torch', 'open_clip', 'gradio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "LOADED set()" in done.stdout, done.stdout + done.stderr
    assert "Usage:" in done.stdout
