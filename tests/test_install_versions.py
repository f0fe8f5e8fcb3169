"""The lowest and the newest versions that the lists of requirements allow: resolved, installed and imported."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
IMPORT_ALL = """
import importlib, pathlib, sys
failed = {}
for folder in ("gelato", "app", "index", "training"):
    for path in sorted(pathlib.Path(folder).rglob("*.py")):
        name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        if path.name != "__main__.py":
            try:
                importlib.import_module(name)
            except Exception as error:
                failed[name] = f"{type(error).__name__}: {error}"
sys.exit("\\n".join(f"{name}: {reason}" for name, reason in failed.items()) or 0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["lowest-direct", "highest"])
def test_all_modules_import_with_the_lowest_and_the_newest_versions(resolution: str, tmp_path: Path):
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin/python"
    uv = shutil.which("uv") or Path(sys.executable).with_name("uv")
    command = [uv, "pip", "install", "--python", python, "--resolution", resolution, "-r", ROOT / "requirements.txt"]
    done = subprocess.run(command, capture_output=True, text=True)
    if "error sending request" in done.stderr.lower() or "dns error" in done.stderr.lower():
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    done = subprocess.run([python, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True)
    shutil.rmtree(environment)  # 7 GB
    assert done.returncode == 0, done.stderr
