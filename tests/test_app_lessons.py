"""The child process of lessons: what happens when it crashes, hangs, grows or is asked twice."""

import json
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from app.state.lessons import COMMAND, TIMEOUT, Lessons, Replaced
from training.lessons import limits
from training.models.errors import UserError

# A child without torch that does as it is told: {"lesson": what}.
CHILD = """
import json, sys, threading, time, queue
requests, stopped = queue.Queue(), set()
def read():
    for line in sys.stdin:
        request = json.loads(line)
        stopped.add(request["stop"]) if "stop" in request else requests.put(request)
    requests.put(None)
threading.Thread(target=read, daemon=True).start()
def say(**line):
    print(json.dumps(line), flush=True)
while request := requests.get():
    run, what = request["run"], request["lesson"]
    if what == "crash": sys.exit(1)
    if what == "hang": time.sleep(60)
    if what == "mistake": say(run=run, kind="error", error="There is no such lesson."); continue
    print("a library that prints", flush=True)
    for number in range(200 if what == "long" else 2):
        if run in stopped: break
        say(run=run, kind="sentence", part="result", text=f"{what} {number}")
        if what == "long": time.sleep(.05)
    say(run=run, kind="end")
    if what == "last": sys.exit(0)
"""


@pytest.fixture
def lessons() -> Iterator[Lessons]:
    made = Lessons((sys.executable, "-c", CHILD), timeout=5.0)
    yield made
    made.stop()


def texts(lessons: Lessons, what: str, stop: threading.Event | None = None) -> list[str]:
    return [line["text"] for line in lessons.answer({"lesson": what}, stop or threading.Event())]


def test_lines_come_as_the_child_writes_them_and_it_stays_for_the_next_request(lessons):
    assert texts(lessons, "one") == ["one 0", "one 1"]
    first = lessons._child
    with pytest.raises(UserError, match="no such lesson"):
        texts(lessons, "mistake")
    assert texts(lessons, "two") == ["two 0", "two 1"]
    assert lessons._child is first


def test_a_crash_is_a_sentence_and_the_next_request_has_a_new_child(lessons):
    with pytest.raises(UserError, match="ended unexpectedly"):
        texts(lessons, "crash")
    assert texts(lessons, "again") == ["again 0", "again 1"]


def test_a_child_that_went_idle_is_replaced_without_a_word(lessons):
    assert texts(lessons, "last")
    lessons._child.process.wait(10)
    assert texts(lessons, "after") == ["after 0", "after 1"]


def test_what_takes_too_long_is_ended(lessons):
    lessons.timeout = 0.5
    with pytest.raises(UserError, match=r"longer than 0\.5 seconds"):
        texts(lessons, "hang")
    lessons.timeout = 5.0
    assert texts(lessons, "after")


def test_a_run_that_is_stopped_leaves_the_child_for_the_next_one(lessons):
    stop = threading.Event()
    lines = lessons.answer({"lesson": "long"}, stop)
    assert next(lines)["text"] == "long 0"
    child = lessons._child
    stop.set()
    assert list(lines) == []
    assert texts(lessons, "after") == ["after 0", "after 1"]
    assert lessons._child is child


def test_one_run_at_a_time_and_a_newer_request_replaces_the_one_that_waits(lessons):
    stop, said = threading.Event(), {}

    def ask(name: str) -> None:
        try:
            said[name] = texts(lessons, name)
        except Replaced as error:
            said[name] = str(error)

    lines = lessons.answer({"lesson": "long"}, stop)
    next(lines)
    waiting = [threading.Thread(target=ask, args=(name,)) for name in ("second", "third")]
    waiting[0].start()
    deadline = time.monotonic() + 5
    while lessons._waiting is None and time.monotonic() < deadline:
        time.sleep(0.01)
    waiting[1].start()
    waiting[0].join(5)
    assert said == {"second": "A newer request has taken the place of this one."}
    stop.set()
    list(lines)
    waiting[1].join(5)
    assert said["third"] == ["third 0", "third 1"]


def test_stopping_ends_the_child_and_tells_who_waits(lessons):
    lines = lessons.answer({"lesson": "long"}, threading.Event())
    next(lines)
    process = lessons._child.process
    lessons.stop()
    with pytest.raises(UserError):
        list(lines)
    assert process.poll() is not None
    with pytest.raises(UserError, match="being closed"):
        texts(lessons, "after")


def test_the_real_child_lists_lessons_without_torch_and_ends_when_idle_or_too_large():
    """Listing takes a fraction of a second; a bound below what Python itself takes is reached at once."""
    lessons = Lessons((*COMMAND, "--idle", "0.3"))
    (listed,) = lessons.answer({"list": True}, threading.Event())
    assert "nt-xent" in {lesson["name"] for lesson in listed["lessons"]}
    assert lessons._child.process.wait(10) == 0
    small = Lessons((*COMMAND, "--memory", "0.001"))
    with pytest.raises(UserError, match="more memory than"):
        list(small.answer({"lesson": "families"}, threading.Event()))
    small.stop()
    lessons.stop()


def test_lines_of_an_earlier_run_are_left_out(lessons):
    texts(lessons, "one")
    lessons._child.lines.put({"run": 1, "kind": "sentence", "part": "result", "text": "late"})
    assert texts(lessons, "two") == ["two 0", "two 1"]
    assert json.dumps(lessons._number) == "2"


def test_the_page_waits_as_long_as_the_docs_say():
    assert TIMEOUT == limits.TIMEOUT  # the page may not import lessons, so each has its own
