"""For which systems and Pythons does PyPI have wheels of all that requirements.txt needs?

    python benchmarks/wheels.py

uv resolves the list for each, from wheels alone, and nothing is installed. The result is kept as results/wheels.json,
and the table of docs/installing.md is written from it.
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results/wheels.json"
PAGE = ROOT / "docs/installing.md"
BEGIN, END = "<!-- wheels: made by benchmarks/wheels.py -->", "<!-- end of wheels -->"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = {
    "Linux with glibc 2.35, x86_64": "x86_64-manylinux_2_35",
    "Linux with glibc 2.35, aarch64": "aarch64-manylinux_2_35",
    "macOS 14, Apple silicon": "aarch64-apple-darwin",
    "macOS, Intel": "x86_64-apple-darwin",
    "Windows, x86_64": "x86_64-pc-windows-msvc",
    "Windows, ARM64": "aarch64-pc-windows-msvc",
}


def lacking(python: str, system: str) -> str:
    """The package that has no wheel there, "" if all have one."""
    uv = Path(sys.executable).with_name("uv")
    options = ["--only-binary", ":all:", "--python-version", python, "--python-platform", system]
    command = [uv, "pip", "compile", "requirements.txt", *options]
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    found = re.search(r"Because (?:only )?(?:all versions of )?([\w-]+)", done.stderr)
    hint = re.search(r"[Ww]heels are available for `([\w-]+)`", done.stderr)
    return (hint or found or ["", "?"])[1]


def table(result: dict[str, dict[str, str]]) -> str:
    """Systems by Pythons."""
    rows = ["| | " + " | ".join(PYTHONS) + " |", "|---" * (len(PYTHONS) + 1) + "|"]
    for system, found in result.items():
        cells = (f"no: {found[python]}" if found[python] else "yes" for python in PYTHONS)
        rows.append(f"| {system} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    """Resolve for each, and write the table."""
    with ThreadPoolExecutor(4) as pool:  # nearly all of it waits for PyPI
        found = {name: pool.map(lacking, PYTHONS, [system] * len(PYTHONS)) for name, system in SYSTEMS.items()}
        result = {name: dict(zip(PYTHONS, each, strict=True)) for name, each in found.items()}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table(result)}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
