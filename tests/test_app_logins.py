"""Logins: passwords plain and hashed, and how often they may fail."""

import base64

import anyio
import pytest
from click.testing import CliRunner
from starlette.datastructures import Headers

from app.command import main
from app.server.authentication import Authentication, read_users
from app.server.login_limits import FORGET, OF_ADDRESS, OF_NAME, REMEMBERED, LoginLimits
from app.server.passwords import Passwords, password_hash
from training.models.errors import UserError

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    """Seconds that pass only when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def hashed():
    return password_hash("s:e cret")


def status(authentication: Authentication, name: str, password: str, address: str = HERE) -> int:
    """What a request with that login gets: 200, 401 or 429."""
    given = base64.b64encode(f"{name}:{password}".encode()).decode()
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "client": (address, 5)}
    answer = anyio.run(authentication.refuse, scope, Headers({"authorization": f"Basic {given}"}))
    return 200 if answer is None else answer.status_code


def test_a_hash_and_a_plain_password_open_the_same_door(hashed, tmp_path):
    (tmp_path / "users").write_text(f"ana:{hashed}\nbob:plain\n")
    authentication = Authentication(read_users(tmp_path / "users"), limits=LoginLimits(Clock()))
    tried = [("ana", "s:e cret"), ("bob", "plain"), ("ana", hashed), ("ana", "plain"), ("bob", "s:e cret"), ("eve", "")]
    assert [status(authentication, *login) for login in tried] == [200, 200, 401, 401, 401, 401]


def test_a_right_hash_is_computed_once_and_a_wrong_one_each_time(hashed, monkeypatch):
    passwords, computed = Passwords({"ana": hashed}), []
    fits = passwords._fits_hash
    monkeypatch.setattr(passwords, "_fits_hash", lambda *given: computed.append(given) or fits(*given))
    assert not passwords.was_verified(b"ana", b"s:e cret") and passwords.verify(b"ana", b"s:e cret")
    assert passwords.was_verified(b"ana", b"s:e cret") and not passwords.was_verified(b"ana", b"other")
    assert not passwords.verify(b"nobody", b"s:e cret")  # as long as for a name that exists
    assert len(computed) == 2


def test_half_a_hash_is_told_by_its_line(tmp_path):
    (tmp_path / "users").write_text("bob:plain\nana:$argon2id$v=19$m=65536\n")
    with pytest.raises(UserError, match="line 2"):
        read_users(tmp_path / "users")


def test_the_command_makes_a_line_that_logs_in(tmp_path):
    made = CliRunner().invoke(main, ["--hash-password", "ana"], input="s:e cret\n")
    assert made.exit_code == 0 and "cret" not in made.stdout
    (tmp_path / "users").write_text(made.stdout)
    assert status(Authentication(read_users(tmp_path / "users")), "ana", "s:e cret") == 200
    assert CliRunner().invoke(main, ["--hash-password", "a:b"], input="x\n").exit_code == 1
    assert CliRunner().invoke(main, ["--hash-password", "ana"], input="").exit_code == 1


# What is done one after the other: (login, seconds that pass before it, status).
RIGHT, WRONG = ("ana", "right"), ("ana", "wrong")
HISTORIES = {
    "free tries, then waits that double": [
        *[(WRONG, 0, 401)] * OF_ADDRESS.free,
        (WRONG, 0, 429), (WRONG, 0.9, 429), (WRONG, 0.2, 401), (WRONG, 1.9, 429), (WRONG, 0.2, 401), (WRONG, 3.9, 429),
    ],
    "what waits is not looked at, right or wrong": [*[(WRONG, 0, 401)] * 5, (RIGHT, 0, 429), (RIGHT, 1.1, 200)],
    "who is logged in goes on": [(RIGHT, 0, 200), *[(WRONG, 0, 401)] * 5, (WRONG, 0, 429), (RIGHT, 0, 200)],
    "a success frees the tries": [*[(WRONG, 0, 401)] * 4, (RIGHT, 0, 200), *[(WRONG, 0, 401)] * 5, (WRONG, 0, 429)],
    "an hour frees them": [*[(WRONG, 0, 401)] * 5, (WRONG, 0, 429), *[(WRONG, FORGET, 401), *[(WRONG, 0, 401)] * 4]],
    "another name from the same address waits too": [*[(WRONG, 0, 401)] * 5, (("bob", "x"), 0, 429)],
    "no login is no failure": [*[(("", ""), 0, 401)] * 5, (("", ""), 0, 429)],
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_failures_are_limited_by_address(name):
    clock = Clock()
    authentication = Authentication({"ana": "right", "bob": "b"}, limits=LoginLimits(clock))
    for at, (login, seconds, expected) in enumerate(HISTORIES[name]):
        clock.now += seconds
        assert status(authentication, *login) == expected, (name, at)


def test_a_name_is_limited_from_many_addresses_for_half_a_minute_at_most():
    clock = Clock()
    authentication = Authentication({"ana": "right"}, limits=LoginLimits(clock))
    seen = [status(authentication, "ana", "wrong", f"192.0.2.{i}") for i in range(OF_NAME.free)]
    assert seen == [401] * OF_NAME.free
    assert status(authentication, "ana", "wrong", "192.0.2.99") == 429
    for i in range(20):
        clock.now += OF_NAME.longest + 1
        assert status(authentication, "ana", "wrong", f"198.51.100.{i}") == 401
    assert status(authentication, "ana", "right", THERE) == 429
    clock.now += OF_NAME.longest + 1
    assert status(authentication, "ana", "right", THERE) == 200


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2:a::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
        ("unix:", "unix:", True),
    ],
)
def test_an_address_is_counted_by_its_network(first, second, same):
    limits = LoginLimits(Clock())
    for number in range(OF_ADDRESS.free):
        limits.failed(first, b"%d" % number)
    assert (limits.wait(second, b"other") > 0) == same


def test_memory_of_failures_is_bounded():
    limits = LoginLimits(Clock())
    for number in range(3 * REMEMBERED):
        limits.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", b"n" * 100_000 + b"%d" % number)
    assert len(limits._failures) <= 2 * REMEMBERED
    assert max(len(key) for _, key in limits._failures._entries) <= 200
