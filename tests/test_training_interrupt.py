"""The first Ctrl-C or SIGTERM is a request; the second ends the work, and handlers are restored afterwards."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from training.cli.run_output import interruptible
from training.models.interrupt import Interrupt

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_raises(number, capfd):
    before = signal.getsignal(number)
    with Interrupt("Stopping.") as interrupt:
        signal.raise_signal(number)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before
    assert capfd.readouterr().err == "\nStopping.\n"


def test_the_second_signal_ends_the_process_even_if_something_would_catch_the_exception():
    script = """
import signal
from training.cli.run_output import interruptible
from training.models.interrupt import Interrupt
with Interrupt(exit_at_once=True):
    signal.raise_signal(signal.SIGINT)
    try:
        signal.raise_signal(signal.SIGINT)
    except BaseException:
        raise SystemExit(0)
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 130


@pytest.mark.parametrize("rank, said", [(None, True), ("0", True), ("1", False)])
def test_a_run_confirms_ctrl_c_once_whatever_the_number_of_ranks(monkeypatch, rank, said):
    monkeypatch.setenv("RANK", rank) if rank else monkeypatch.delenv("RANK", raising=False)
    assert ("Ctrl-C again" in interruptible().notice) == said
