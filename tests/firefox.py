"""Firefox driven by Marionette, its own protocol over a socket: as many commands as the tests of the page need."""

import base64
import itertools
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import LEFT, PATIENCE

NAMES = ("firefox", "firefox-esr")
START = 60  # seconds
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "ArrowLeft": "\ue012", "ArrowRight": "\ue014"}
PORT_FILE = "MarionetteActivePort"  # in the profile, once it listens

# The errors of scripts and of the console, with the addresses that they are of; asked of the browser itself.
ERRORS = """
const thrown = Services.console.getMessageArray()
  .filter((one) => one instanceof Ci.nsIScriptError && !(one.flags & Ci.nsIScriptError.warningFlag))
  .map((one) => [one.sourceName, one.errorMessage]);
const storage = Cc["@mozilla.org/consoleAPI-storage;1"].getService(Ci.nsIConsoleAPIStorage);
const said = storage.getEvents().filter(({ level }) => level === "error")
  .map((one) => [one.filename, one.arguments.map(String).join(" ")]);
return [...thrown, ...said];
"""


class FirefoxPage:
    """One tab."""

    def __init__(self, connection: socket.socket):
        self.stream, self.numbers = connection.makefile("rwb"), itertools.count(1)
        self._message()  # who it is
        self.send("WebDriver:NewSession", acceptInsecureCerts=False)
        self.send("WebDriver:SetTimeouts", script=PATIENCE, pageLoad=PATIENCE)

    def _message(self) -> Any:
        length = b"".join(iter(lambda: self.stream.read(1), b":"))
        return json.loads(self.stream.read(int(length)))

    def send(self, command: str, **parameters: Any) -> Any:
        """The result of a command."""
        message = json.dumps([0, next(self.numbers), command, parameters]).encode()
        self.stream.write(b"%d:%s" % (len(message), message))
        self.stream.flush()
        _kind, _number, error, result = self._message()
        assert error is None, (command, error["error"], error["message"])
        return result.get("value", result) if isinstance(result, dict) else result

    def goto(self, url: str) -> None:
        self.send("WebDriver:Navigate", url=url)

    def back(self) -> None:
        self.send("WebDriver:Back")

    def resize(self, width: int, height: int) -> None:
        """Give the page so many pixels."""
        extra = self.evaluate("[outerWidth - innerWidth, outerHeight - innerHeight]")
        self.send("WebDriver:SetWindowRect", width=width + extra[0], height=height + extra[1])

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript, which may be a promise."""
        script = f"const done = arguments[0]; Promise.resolve({expression}).then((value) => done(value ?? null));"
        return self.send("WebDriver:ExecuteAsyncScript", script=script, args=[], newSandbox=False, sandbox=None)

    def wait(self, condition: str) -> None:
        """Until an expression is true."""
        until = time.monotonic() + PATIENCE / 1000
        while not self.evaluate(f"Boolean({condition})"):
            assert time.monotonic() < until, f"never: {condition}"
            time.sleep(0.05)

    def wait_for(self, selector: str) -> None:
        self.wait(f"document.querySelector({json.dumps(selector)})")

    def text(self, selector: str) -> str:
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def click(self, selector: str) -> None:
        """Press the middle of an element with the mouse, after bringing it into the window."""
        self.wait_for(selector)
        element = f"document.querySelector({json.dumps(selector)})"
        place = f"{element}.scrollIntoView({{ block: 'nearest' }}), {element}.getBoundingClientRect()"
        x, y, width, height = self.evaluate(f"(({{ x, y, width, height }}) => [x, y, width, height])(({place}))")
        move = {"type": "pointerMove", "x": round(x + width / 2), "y": round(y + height / 2), "duration": 0}
        press = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        self._act("pointer", [move, *press], parameters={"pointerType": "mouse"})

    def wheel(self, x: int, y: int, by: int) -> None:
        self._act("wheel", [{"type": "scroll", "x": x, "y": y, "deltaX": 0, "deltaY": by, "duration": 0}])

    def press(self, *keys: str) -> None:
        """Keys by their names, or texts that are typed."""
        values = [letter for key in keys for letter in KEYS.get(key, key)]
        self._act("key", [{"type": kind, "value": value} for value in values for kind in ("keyDown", "keyUp")])

    def _act(self, kind: str, actions: list[dict[str, Any]], **more: Any) -> None:
        self.send("WebDriver:PerformActions", actions=[{"type": kind, "id": kind, "actions": actions, **more}])

    def errors(self, origin: str) -> list[str]:
        """What scripts of an origin threw, and what they wrote to the console as an error."""
        self.send("Marionette:SetContext", value="chrome")
        found = self.send("WebDriver:ExecuteScript", script=ERRORS, args=[], newSandbox=True, sandbox="system")
        self.send("Marionette:SetContext", value="content")
        return [text for source, text in found if source.startswith(origin) and not text.startswith(LEFT)]

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.send("WebDriver:TakeScreenshot", full=False)))


@contextmanager
def firefox(dark: bool = False) -> Iterator[FirefoxPage]:
    """A new Firefox without a window; the test is skipped where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Firefox was found")
    preferences = {"marionette.port": 0, "layout.css.prefers-color-scheme.content-override": 0 if dark else 1}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = [f'user_pref("{name}", {value});\n' for name, value in preferences.items()]
        Path(profile, "user.js").write_text("".join(lines))
        command = [program, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote"]
        process = subprocess.Popen(
            [*command, "--profile", profile], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            with socket.create_connection(
                ("127.0.0.1", _port(Path(profile, PORT_FILE))), PATIENCE / 1000
            ) as connection:
                yield FirefoxPage(connection)
        finally:
            process.kill()
            process.wait()


def _port(file: Path) -> int:
    """The port that Firefox has taken, once it says so."""
    until = time.monotonic() + START
    while not (file.exists() and (text := file.read_text())):
        assert time.monotonic() < until, "Firefox does not listen"
        time.sleep(0.1)
    return int(text)
