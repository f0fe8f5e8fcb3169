"""Create .venv and install lists of requirements into it: what `make` runs, and enough without make.

    python3 install.py [--venv .venv] [--lock requirements.lock] [--torch auto|cpu|default] [LIST]...

uv installs, from the PATH or from PyPI; pip does where there is no uv or it fails, as behind a mirror that only pip
is told of. On Linux without an NVIDIA GPU, PyTorch comes from PyTorch's index of CPU wheels, which are a fifth of the
size of PyPI's; PyPI's are taken where that index does not answer at once. Only the standard library is imported.
"""

from __future__ import annotations  # so that a Python that is too old gets as far as the sentence about it

import argparse
import http.client
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import urllib.error
import urllib.request
from pathlib import Path

from gelato.output import take_any_text
from gelato.platforms import why_unsupported

CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # GELATO_CPU_INDEX names another, such as a mirror
FROM_CPU_INDEX = ("torch", "torchvision")
ANSWER_WITHIN = 3.0  # seconds; PyPI has the same packages, so waiting longer is not worth it
STALLED_AFTER = "10"  # seconds without a byte, then the CPU index is given up
NVIDIA = ("/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/nvhost-gpu")  # the last is of Jetson


def main(arguments: list[str] | None = None) -> int:
    """Install, or say in one sentence why not and return 1."""
    take_any_text()
    options = parsed(arguments)
    if reason := why_unsupported():
        return failed(reason)
    python = options.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists() and run(sys.executable, "-m", "venv", options.venv):
        return failed(f"the environment {options.venv} could not be made. On Debian: apt install python3-venv")
    uv = find_uv(python)
    if options.torch == "cpu" or (options.torch == "auto" and wants_cpu_wheels()):
        install_cpu_wheels(uv, python, options.lock)
    wanted = [word for each in options.lists for word in ("-r", each)] + (["-c", options.lock] if options.lock else [])
    if uv and not uv_install(uv, python, *wanted):
        return 0
    print(f"pip installs {' '.join(options.lists)}: uv, which is faster, {'failed' if uv else 'is not to be had'}.")
    if pip_install(python, *wanted):
        return failed("the packages could not be installed; the lines above say which, and why.")
    return 0


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("lists", nargs="*", default=["requirements.txt"], metavar="LIST", help="requirements  [default: %(default)s]")
    add("--venv", type=Path, default=Path(".venv"), help="the environment  [default: %(default)s]")
    add("--lock", type=Path, help="exact versions; requirements.lock has those that CI tests")
    torch = "PyTorch's CPU wheels, or PyPI's; auto takes the CPU wheels on Linux without an NVIDIA GPU"
    add("--torch", choices=("auto", "cpu", "default"), default="auto", help=torch)
    return parser.parse_args(arguments)


def failed(reason: str) -> int:
    """Say why, and return the exit code."""
    print(f"Error: {reason}", file=sys.stderr)
    return 1


def run(*command: str | Path, **environment: str) -> int:
    """The exit code of a command."""
    sys.stdout.flush()
    return subprocess.call([str(word) for word in command], env={**os.environ, **environment})


def uv_install(uv: Path, python: Path, *what: str | Path, **environment: str) -> int:
    """The exit code of uv pip install."""
    return run(uv, "pip", "install", "--quiet", "--python", python, *what, **environment)


def pip_install(python: Path, *what: str | Path) -> int:
    """The exit code of pip install."""
    return run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)


def find_uv(python: Path) -> Path | None:
    """uv of the PATH or of the environment, where it is installed if need be; None if that fails."""
    if found := shutil.which("uv"):
        return Path(found)
    own = python.with_name("uv" + python.suffix)
    return own if own.exists() or not pip_install(python, "--timeout", "15", "--retries", "1", "uv") else None


def wants_cpu_wheels() -> bool:
    """Whether PyPI's PyTorch would bring GPU libraries that this machine cannot use."""
    has_gpu = shutil.which("nvidia-smi") or any(map(os.path.exists, NVIDIA))
    return sys.platform == "linux" and not has_gpu


def install_cpu_wheels(uv: Path | None, python: Path, lock: Path | None) -> None:
    """Install PyTorch from its index of CPU wheels; if that does not work, say in a line that PyPI's comes."""
    version = locked_version("torch", lock)
    present = next(python.parent.parent.glob("lib/python*/site-packages/torch-*.dist-info"), None)
    if present and ("+cpu" not in present.name or present.name.startswith(f"torch-{version}")):
        return  # what is there does
    index = os.environ.get("GELATO_CPU_INDEX", CPU_INDEX).rstrip("/")
    reason = why_unusable(index, version)
    if not reason:
        wanted = [requirement(name, lock) for name in FROM_CPU_INDEX]
        if uv:
            limits = {"UV_HTTP_TIMEOUT": STALLED_AFTER, "UV_HTTP_RETRIES": "1"}
            code = uv_install(uv, python, "--default-index", index, *wanted, **limits)
        else:
            code = pip_install(python, "--timeout", STALLED_AFTER, "--retries", "1", "--index-url", index, *wanted)
        if not code:
            return
        reason = "did not give them"
    print(f"PyTorch comes from PyPI, with GPU libraries (4 GB on disk): the index of its CPU wheels {reason}.")


def requirement(name: str, lock: Path | None) -> str:
    """The locked version of a package, or its line of requirements.txt."""
    if version := locked_version(name, lock):
        return f"{name}=={version}"
    lines = Path(__file__).with_name("requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line.partition("#")[0].strip() for line in lines if re.match(rf"{name}\W", line))


def locked_version(name: str, lock: Path | None) -> str:
    """The version of a package in a lock, "" without one."""
    found = lock and re.search(rf"(?m)^{name}==(\S+)", lock.read_text(encoding="utf-8"))
    return found[1] if found else ""


def why_unusable(index: str, version: str) -> str:
    """Why the index cannot give PyTorch for this Python and machine, "" if it can; decided within ANSWER_WITHIN.

    version: the one wanted, "" for any.
    """
    answers: list[str | Exception] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(f"{index}/torch/", timeout=ANSWER_WITHIN) as page:
                answers.append(page.read(10_000_000).decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            error.close()
            answers.append(error)
        except (OSError, ValueError, http.client.HTTPException) as error:
            answers.append(error)

    asking = threading.Thread(target=ask, daemon=True)  # the timeout of a socket alone starts again at each byte
    asking.start()
    asking.join(ANSWER_WITHIN)
    answer = answers[0] if answers else TimeoutError()
    reason = getattr(answer, "reason", answer)
    if isinstance(reason, TimeoutError):
        return f"did not answer within {ANSWER_WITHIN:g} s"
    if isinstance(answer, Exception):
        return f"cannot be reached ({' '.join(str(reason).split())})"
    python, machine = "cp{}{}".format(*sys.version_info[:2]), sysconfig.get_platform().rpartition("-")[2]
    number = re.escape(version) if version else r"[\d.]+"
    if not re.search(rf"torch-{number}(\+|%2[Bb])cpu-{python}-{python}-\w*linux\w*_{machine}\.whl", answer):
        return f"has no wheel of torch{f' {version}' if version else ''} for {python} on {machine}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
