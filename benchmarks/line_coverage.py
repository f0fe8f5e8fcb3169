"""Line coverage of the everyday tests, of one checkout or of two that are compared.

    pip install coverage
    python benchmarks/line_coverage.py DIR [DIR ...]

Each DIR is a checkout with its environment in .venv. Every process that the tests start is measured, not only pytest's,
since the commands and the page run in processes of their own. What is not seen: processes that are killed, and child
processes that start Python without its environment. Tests that fail are counted; timings do not matter.
"""

import importlib.util
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import click

RESULT = Path(__file__).parent / "results/line_coverage.json"
PACKAGES = ("app", "index", "training")


def measured(checkout: Path, files: tuple[str, ...]) -> dict[str, object]:
    """Statements and covered statements by package, and how many tests passed and failed. files: all if empty."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = folder / "coverage.ini"
        sources = ",".join(str(checkout / package) for package in PACKAGES)
        settings.write_text(
            f"[run]\nparallel = true\nsigterm = true\ndata_file = {folder}/.coverage\nsource = {sources}\n"
            "disable_warnings = no-data-collected,module-not-imported,module-not-measured\n",
            encoding="utf-8",
        )
        # Python imports sitecustomize in every process that finds it on its path.
        (folder / "sitecustomize.py").write_text("import coverage\n\ncoverage.process_startup()\n", encoding="utf-8")
        os.symlink(Path(importlib.util.find_spec("coverage").origin).parent, folder / "coverage")
        environment = {**os.environ, "COVERAGE_PROCESS_START": str(settings), "PYTHONPATH": str(folder)}
        command = [str(checkout / ".venv/bin/python"), "-m"]
        # A warning of the tracer must not fail a test: the tests turn warnings into errors.
        words = ["pytest", "-n", "auto", "-W", "ignore", "-o", "filterwarnings=", "-p", "no:cacheprovider", *files]
        tests = subprocess.run(
            [*command, *words], cwd=checkout, env=environment, stdout=subprocess.PIPE, encoding="utf-8"
        )
        report = folder / "report.json"
        for action in (["combine", "-q"], ["json", "-q", "-o", str(report)]):
            subprocess.run(
                [*command, "coverage", *action, f"--rcfile={settings}"], cwd=checkout, env=environment, check=True
            )
        return {**by_package(json.loads(report.read_text(encoding="utf-8")), checkout), **counted(tests.stdout)}


def by_package(report: dict, checkout: Path) -> dict[str, dict[str, float]]:
    """Statements, covered statements and their share by package and in all, of a report of coverage."""
    table = {}
    for package in (*PACKAGES, ""):
        inside = [
            file["summary"]
            for path, file in report["files"].items()
            if (checkout / path).is_relative_to(checkout / package)
        ]
        statements = sum(summary["num_statements"] for summary in inside)
        covered = sum(summary["covered_lines"] for summary in inside)
        table[package or "all"] = {
            "statements": statements,
            "covered": covered,
            "share": round(covered / statements, 4),
        }
    return table


def counted(output: str) -> dict[str, int]:
    """The numbers of passed, failed and skipped tests in pytest's last lines."""
    return {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|skipped)", output[-400:])}


@click.command(help=__doc__)
@click.option("--only", multiple=True, help="A file of tests; may be repeated. Nothing is stored.")
@click.argument("checkouts", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(only: tuple[str, ...], checkouts: tuple[Path, ...]) -> None:
    """Measure each checkout, one after the other, and store the shares by its commit."""
    result = {}
    for checkout in checkouts:
        commit = subprocess.check_output(
            ["git", "log", "-1", "--format=%h %cs"], cwd=checkout, encoding="utf-8"
        ).strip()
        result[commit] = measured(checkout.resolve(), only)
        click.echo(f"{commit}: {result[commit]}")
    if not only:
        RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
