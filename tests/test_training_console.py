"""Progress where there is no terminal: lines with rate and time left, as words or as JSON."""

import json
import re

import pytest

from training.models import console


@pytest.fixture
def clock(monkeypatch):
    """Time that goes by as a test says."""
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def test_lines_come_now_and_then_with_rate_and_time_left(clock, capsys):
    line = console.ProgressLine("Embedding")
    line.show(1, 5000)
    assert capsys.readouterr().err == ""  # ten seconds have not passed
    clock[0] += 20
    line.show(1000, 5000, "3 failed")
    out = capsys.readouterr()
    assert out.out == "" and out.err == "Embedding: 1,000 of 5,000, 50 a second, 80 s left, 3 failed\n"
    clock[0] += 1
    line.show(1001, 5000)
    assert capsys.readouterr().err == ""


def test_lines_are_json_when_json_was_asked_for(clock, capsys):
    line = console.ProgressLine("Embedding", as_json=True)
    clock[0] += 20
    line.show(1000, 5000)
    stored = json.loads(capsys.readouterr().err)
    assert stored == {"what": "Embedding", "done": 1000, "total": 5000, "rate": 50.0, "left": 80, "note": ""}


@pytest.mark.parametrize("total, said", [(10_000, "3 min left"), (721_000, r"4\.0 h left")])
def test_long_times_are_said_in_minutes_and_hours(clock, capsys, total, said):
    line = console.ProgressLine("Embedding")
    clock[0] += 20
    line.show(1000, total)
    assert re.search(said, capsys.readouterr().err)
