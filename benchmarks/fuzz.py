"""Does any damaged file crash the decoder, keep it busy or fill the memory?

    python benchmarks/fuzz.py --count 100000

Decodes mutations of small files of every format in a child process. A child that dies is a crash, one that needs more
than 10 s of the processor for a file a hang, an exception that is not an ImageError a fault; the child's memory is
limited. SVG and some RAW files are decoded in a process of their own; here that is a fork of the child, so that
10,000 of them take minutes. The result is printed and stored in results/fuzz.json; `--seed` and the number of a file
repeat one exactly (`--only NUMBER`). `--kind SVG --kind RAW` takes these alone.
"""

import json
import os
import runpy
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path

import click
import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
RESULT = ROOT / "benchmarks/results/fuzz.json"
SECONDS = 10.0  # of the processor for one file, since the machine may be busy with other things
PATIENCE = 300.0  # seconds on the clock
MEMORY = 6 << 30  # bytes of address space of the child, threads' stacks and libraries included


@dataclass
class Result:
    """What became of `count` mutated files. crashes, hangs, faults: the numbers of the files and what was seen."""

    count: int = 0
    seed: int = 0
    read: int = 0
    refused: int = 0
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    slowest: float = 0.0
    peak_mb: int = 0
    by_format: dict[str, int] = field(default_factory=dict)


def mutation(number: int, seed: int, kinds: Sequence[str] = ()) -> tuple[str, bytes]:
    """The name and the bytes of a mutated file, of one of kinds if there are any; equal for equal arguments."""
    from benchmarks.fuzz_files import mutated

    rng = np.random.default_rng((seed, number))
    names = kinds or _names()
    name = names[rng.integers(len(names))]
    _names()
    return name, mutated(_FILES[name], rng, list(_FILES.values()))


_FILES: dict[str, bytes] = {}


def _names() -> list[str]:
    if not _FILES:
        from benchmarks.fuzz_files import files

        _FILES.update(files())
    return list(_FILES)


def child(start: int, stop: int, seed: int, kinds: Sequence[str] = ()) -> None:
    """Decode the files start to stop - 1, with a line before and after each for the parent to follow."""
    import resource

    from training.models.decoding import ImageError, decode_image, raw, svg
    from training.models.memory import peak_memory_bytes

    raw.in_child = svg.in_child = in_fork
    _names()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for number in range(start, stop):
        name, data = mutation(number, seed, kinds)
        print(f"begin {number} {name}", flush=True)
        begun = time.process_time()
        try:
            decode_image(data, (None, 100)[number % 2])
            outcome = "read"
        except ImageError:
            outcome = "refused"
        except BaseException as error:
            outcome = f"fault {type(error).__name__}: {error}".replace("\n", " ")[:200]
        peak = peak_memory_bytes() >> 20
        print(f"end {time.process_time() - begun:.3f} {peak} {outcome}", flush=True)


def in_fork(script: Path, data: bytes) -> bytes:
    """What training.models.decoding.child.in_child gives, by a fork of this process, which has imported everything."""
    import resource

    from training.models.decoding import child as limits

    convert = _converter(script)
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            memory = _address_space() + limits.MEMORY  # this process is larger than a fresh one
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
            resource.setrlimit(resource.RLIMIT_CPU, (limits.SECONDS, limits.SECONDS))
            with os.fdopen(writing, "wb") as out:
                out.write(convert(data))
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        made = pipe.read()
    _, status = os.waitpid(pid, 0)
    if status or not made:
        raise limits.ChildFailed(f"it ended with {status}")
    return made


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


@cache
def _converter(script: Path) -> Callable[[bytes], bytes]:
    import_module({"svg_child": "resvg_py", "raw_child": "rawpy"}[script.stem])  # once, for all forks
    found: Callable[[bytes], bytes] = runpy.run_path(str(script))["convert"]
    return found


def fuzz(count: int, seed: int = 0, processes: int = 1, kinds: Sequence[str] = ()) -> Result:
    """Decode `count` mutated files in child processes, a new one after each crash or hang."""
    result, formats, begun = Result(count, seed), Counter[str](), time.monotonic()
    edges = np.linspace(0, count, processes + 1).astype(int).tolist()

    def run(start: int, stop: int) -> None:
        while start < stop:
            start = _run_child(start, stop, seed, result, formats, kinds) + 1

    with ThreadPoolExecutor(processes) as pool:
        list(pool.map(run, edges[:-1], edges[1:]))
    result.seconds = round(time.monotonic() - begun, 1)
    result.by_format = dict(sorted(formats.items()))
    return result


def _run_child(start: int, stop: int, seed: int, result: Result, formats: Counter[str], kinds: Sequence[str]) -> int:
    """Run one child until it is done or has to be ended; returns the number of the last file that it began."""
    command = [sys.executable, __file__, "--child", str(start), str(stop), "--seed", str(seed)]
    command += [word for kind in kinds for word in ("--kind", kind)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        number, name = start, ""
        while True:
            line = _next_line(process)
            if line is None:
                process.kill()
                result.hangs.append(f"{number} ({name})")
                return number
            if not line:
                if process.wait() or number < stop - 1:
                    result.crashes.append(f"{number} ({name}): {process.returncode} {process.stderr.read()[-300:]}")
                return number
            if line.startswith("begin"):
                _, digits, name = line.rstrip("\n").split(" ", 2)
                number = int(digits)
                formats[name.partition(",")[0]] += 1
            else:
                _note(result, line, f"{number} ({name})")


def _next_line(process: subprocess.Popen[str]) -> str | None:
    """The child's next line, "" at its end; None if it has been busy for too long."""
    assert process.stdout is not None
    begun, used = time.monotonic(), _processor_time(process.pid)
    while not select.select([process.stdout], [], [], 0.5)[0]:
        if _processor_time(process.pid) - used > SECONDS or time.monotonic() - begun > PATIENCE:
            return None
    return process.stdout.readline()


def _processor_time(pid: int) -> float:
    """Seconds of the processor that a process has used; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _note(result: Result, line: str, which: str) -> None:
    _, seconds, peak, outcome = line.rstrip("\n").split(" ", 3)
    result.slowest = max(result.slowest, float(seconds))
    result.peak_mb = max(result.peak_mb, int(peak))
    if outcome == "read":
        result.read += 1
    elif outcome == "refused":
        result.refused += 1
    else:
        result.faults.append(f"{which}: {outcome}")


@click.command()
@click.option("--count", default=100_000, show_default=True, help="How many mutated files.")
@click.option("--seed", default=0, show_default=True)
@click.option("--processes", default=1, show_default=True, help="How many children at once.")
@click.option("--only", type=int, help="Decode this one in this process, to look into it.")
@click.option("--kind", "kinds", multiple=True, help="Mutations of these files alone, such as SVG.")
@click.option("--out", default=RESULT, type=click.Path(path_type=Path), show_default=True)
@click.option("--child", "span", nargs=2, type=int, hidden=True)
def main(
    count: int,
    seed: int,
    processes: int,
    only: int | None,
    kinds: tuple[str, ...],
    out: Path,
    span: tuple[int, int] | None,
) -> None:
    """Decode mutated files of every format."""
    if span:
        child(*span, seed, kinds)
        return
    if only is not None:
        from training.models.decoding import decode_image

        name, data = mutation(only, seed, kinds)
        print(name, len(data), decode_image(data, (None, 100)[only % 2]).pixels.shape)
        return
    result = fuzz(count, seed, processes, kinds)
    stored = json.loads(out.read_text()) if out.exists() else {}
    stored[", ".join(kinds) or "every format"] = asdict(result)
    out.write_text(json.dumps(stored, indent=1) + "\n")
    print(json.dumps(asdict(result), indent=1))


if __name__ == "__main__":
    main()
