"""gelato doctor: what is there of what Gelato needs, and how to put right what is not.

It answers whatever is broken: each check imports for itself, and what it raises is a finding.
"""

import argparse
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from gelato import checks
from gelato.findings import Finding, document, is_sound, screen
from gelato.packages import packages, required

Check = Callable[[], Iterable[Finding]]


def doctor(arguments: list[str], root: Path) -> None:
    """Print the findings. root: the folder of app, index and training. Exits with 1 if something is broken."""
    parser = argparse.ArgumentParser("gelato doctor", description="Say what is there, and the remedy for each fault.")
    parser.add_argument("--json", action="store_true", help="Print one JSON document, for a bug report.")
    parser.add_argument("--paths", action="store_true", help="With --json: also the paths of folders of yours.")
    options = parser.parse_args(arguments)
    findings = examine(root)
    print(json.dumps(document(findings, options.paths), indent=2) if options.json else screen(findings))
    sys.exit(0 if is_sound(findings) else 1)


def examine(root: Path) -> list[Finding]:
    """The findings of all checks."""
    logging.disable(logging.ERROR)  # what a check logs is said as a finding
    warnings.simplefilter("ignore")
    sections: dict[str, Check] = {
        "Versions": checks.versions,
        "Folders": checks.folders,  # first: what others import replaces a cache folder that cannot be written
        "Packages": partial(_packages, root),
        "Devices": checks.devices,
        "Formats": checks.formats,
        "Network": checks.network,
        "Models": checks.models,
    }
    return [finding for section, check in sections.items() for finding in checked(section, check)]


def _packages(root: Path) -> Iterable[Finding]:
    return packages(required(root))


def checked(section: str, check: Check) -> list[Finding]:
    """What a check finds. One that fails has found that, too."""
    found: list[Finding] = []
    try:
        found.extend(check())
    except Exception as error:  # a broken installation may raise anything
        text = " ".join(f"{type(error).__name__}: {error}".split())
        remedy = "put right what is said of packages first; if nothing is, report this with gelato doctor --json"
        found.append(Finding(section, "not checked", text, "fault", remedy))
    return found
