"""A command whose reader has gone, as in `gelato doctor | head -1`, ends without a word."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCTOR = """
import sys
from gelato import command, doctor
from gelato.findings import Finding
doctor.examine = lambda root: [Finding("Folders", str(number), "x" * 80, STATE) for number in range(2000)]
sys.argv = ["gelato", "doctor", *OPTIONS]
command.main()
"""


def doctor(state: str, *options: str) -> list[str]:
    """The command with findings of a state, more than a pipe holds."""
    return ["-c", DOCTOR.replace("STATE", repr(state)).replace("OPTIONS", repr(options))]


@pytest.mark.parametrize(
    "arguments",
    [
        ["-m", "gelato"],
        ["-m", "gelato", "--version"],
        doctor("ok"),
        doctor("fault"),
        doctor("ok", "--json"),
        ["-m", "gelato", "doctor", "--help"],
        ["app.py", "--help"],
        *(
            pytest.param(arguments.split(), marks=pytest.mark.slow)
            for arguments in (
                "-m gelato doctor",
                "-m gelato app --help",
                "-m gelato index --help",
                "-m gelato train --help",
                "-m index --help",
                "-m index models",
                "-m index models --json",
                "-m index build --help",
                "-m training --help",
                "-m training list",
                "-m training simclr --help",
            )
        ),
    ],
    ids=lambda arguments: " ".join(arguments)[-60:].strip(),
)
def test_a_closed_stdout_ends_a_command_without_a_word(arguments: list[str]):
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(write)
    assert done.stderr == "" and done.returncode in (0, 1)  # argparse passes over what it cannot write


@pytest.mark.parametrize("encoding", ["ascii:strict", "cp1252:strict"])
def test_a_name_that_the_code_page_lacks_is_escaped(encoding: str):
    script = (
        DOCTOR.replace('"x" * 80, STATE', r'"\u0141 \U0001f368 \udcff", "ok"')
        .replace("2000", "1")
        .replace("OPTIONS", "()")
    )
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"") and b"\\U0001f368 \\udcff" in done.stdout
