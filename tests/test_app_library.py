"""The library is shared by every request: it may be changed by one thread while others read it."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from app.state import indexing, open_collection
from app.state.jobs import Jobs, TooManyJobs
from app.state.library import Library
from app.ui.header.header import page_state
from index.build import build_collection
from index.collection import Collection
from tests.samples import ColourEncoder
from training.models.encoder import Encoder
from training.models.errors import UserError


@pytest.fixture
def frequent_switches() -> Iterator[None]:
    """Threads take turns every microsecond, so that a race shows at once."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(*work: Callable[[], None]) -> None:
    """Run every function in a thread of its own; the first error of any of them is raised here."""
    errors: list[BaseException] = []

    def run(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def add(library: Library, name: str) -> None:
    library.add_built(name, Path(name), "colour", lambda *_: None)


def test_collections_are_opened_and_closed_while_others_iterate_over_them(frequent_switches):
    library, done = Library(lambda name: ColourEncoder()), threading.Event()
    for number in range(50):
        add(library, f"base {number}")

    def change(prefix: str) -> None:
        for number in range(100):
            add(library, f"{prefix} {number}")
            library.close(library.collection(f"{prefix}-{number}"))
        done.set()

    def read() -> None:
        while not done.is_set():
            assert len([opened.key for opened in library.collections()]) >= 50

    in_threads(lambda: change("a"), lambda: change("b"), read, read)
    assert len(library.collections()) == 50


def test_two_collections_of_one_name_that_are_opened_at_once_get_keys_of_their_own(frequent_switches):
    library = Library(lambda name: ColourEncoder())

    def add_many(folder: str) -> None:
        for number in range(40):
            library.add_built("same", Path(folder, str(number)), "colour", lambda *_: None)

    in_threads(lambda: add_many("a"), lambda: add_many("b"))
    assert len({opened.key for opened in library.collections()}) == 80


def test_one_folder_is_opened_once_however_many_ask_at_the_same_time(frequent_switches):
    library, refused = Library(lambda name: ColourEncoder()), []

    def add_it() -> None:
        try:
            add(library, "one")
        except UserError as error:
            refused.append(str(error))

    in_threads(*[add_it] * 8)
    assert len(library.collections()) == 1 and len(refused) == 7 and "already here" in refused[0]


def test_the_last_two_collections_closed_at_once_leave_one_open(frequent_switches):
    for _ in range(20):
        library = Library(lambda name: ColourEncoder())
        add(library, "a")
        add(library, "b")
        refused = []

        def close(key: str, library: Library = library, refused: list[str] = refused) -> None:
            try:
                library.close(library.collection(key))
            except UserError as error:
                refused.append(str(error))

        in_threads(lambda close=close: close("a"), lambda close=close: close("b"))
        assert len(library.collections()) == 1 and len(refused) == 1


def test_a_library_without_collections_says_so():
    with pytest.raises(UserError, match="open: none"):
        Library(lambda name: ColourEncoder()).collection(None)


def test_a_collection_is_updated_by_one_job_however_many_ask_at_the_same_time(frequent_switches):
    library, proceed = Library(lambda name: ColourEncoder(), local=True), threading.Event()
    opened = library.add_built("one", Path("one"), "colour", lambda *_: proceed.wait(10))
    library.encoder(opened)
    jobs, refused = [], []

    def update() -> None:
        try:
            jobs.append(indexing.update(library, opened).id)
        except UserError as error:
            refused.append(str(error))

    in_threads(*[update] * 8)
    proceed.set()
    library.stop()
    assert len(jobs) == 1 and len(refused) == 7 and "being worked on" in refused[0]
    assert len(library.jobs.all()) == 1


def test_a_collection_is_either_closed_or_updated_but_not_both_at_once(frequent_switches):
    for _ in range(20):
        library, proceed = Library(lambda name: ColourEncoder(), local=True), threading.Event()
        add(library, "other")
        opened = library.add_built("one", Path("one"), "colour", lambda *_, proceed=proceed: proceed.wait(10))
        library.encoder(opened)
        done = []

        def act(name: str, action: Callable[[], object], done: list[str] = done) -> None:
            try:
                action()
                done.append(name)
            except UserError:
                pass

        in_threads(
            partial(act, "update", partial(indexing.update, library, opened)),
            partial(act, "close", partial(indexing.close, library, opened)),
        )
        proceed.set()
        library.stop()
        assert len(done) == 1, done


def test_suggestions_are_computed_once_for_many_requests(frequent_switches, squares, tmp_path, monkeypatch):
    calls: list[str] = []

    def suggest(collection: Collection, encoder: Encoder) -> list[str]:
        calls.append(collection.path.name)
        return ["red"]

    monkeypatch.setattr(open_collection, "suggestions", suggest)
    build_collection([squares], tmp_path / "squares.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder())
    opened = library.add(tmp_path / "squares.gelato")
    library.encoder(opened)
    in_threads(*[lambda: page_state(library, {})] * 8)
    until = time.monotonic() + 10
    while page_state(library, {})["chips"] is None and time.monotonic() < until:
        time.sleep(0.01)
    assert page_state(library, {})["chips"] == ["red"] and len(calls) == 1


def test_no_more_jobs_of_a_kind_run_than_are_allowed(frequent_switches):
    jobs, proceed, refused = Jobs(), threading.Event(), []

    def start() -> None:
        try:
            jobs.start("label", lambda job: proceed.wait(10), limit=2)
        except TooManyJobs as error:
            refused.append(error)

    in_threads(*[start] * 8)
    assert jobs.running("label") == 2 and len(refused) == 6
    proceed.set()
