"""How fast does a GPU train here, beside open_clip_train and lightly, and what holds it up?

    python benchmarks/gpu.py --wheels wheels

One command, at most --minutes, one GPU, no network. Images are made by the script. For CLIP ViT-B-32 and ViT-B-16,
SimCLR ResNet-50 and DINO ViT-S at fixed settings in bf16 it measures images/s of `python -m training`; those of its
step alone, with a batch that lies on the GPU (the ceiling); those of its data loader alone; model FLOP utilisation
(MFU) and memory; and images/s of open_clip_train or lightly with the same batch and workers. Then whether a step waits
for the GPU, how far TF32 and bf16 are from f32, and how far augmentation on the GPU is from that on the CPU.

WHEELS is a folder of wheels for this Python, for machines without a network. All are unpacked into a temporary folder,
without what they depend on, so torch and torchvision stay those of the machine. A rival that is missing is left out:

    pip download --python-version 3.12 --only-binary :all: --no-deps --dest wheels open_clip_torch timm lightly \
        lightly_utils lightning_utilities webdataset==0.2.86 braceexpand ftfy wcwidth regex safetensors \
        huggingface_hub simplejpeg cykooz-resizer click tqdm filelock fsspec pandas pyarrow pillow tokenizers pyyaml

The result is printed as a table and written to --out. --rehearse runs every part with tiny settings on any device.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.gpu_data import make_images  # noqa: E402

PARTS = Path(__file__).with_name("gpu_parts.py")
RESULT = Path(__file__).parent / "results/gpu.json"
LOG_EVERY = 10  # steps between lines of both trainers
WARM = 2  # of these lines, which pay for what happens once
PART_SECONDS = 150  # that a part may take at most


@dataclass(frozen=True)
class Case:
    """A method with a tower at fixed settings. steps: of a measurement. images: that there are, of `side` pixels."""

    method: str
    tower: str
    batch: int
    steps: int = 60
    images: int = 8192
    side: int = 256
    small_crops: int = 6  # of DINO, beside the two large ones


CASES = {
    "CLIP ViT-B-32": Case("clip", "ViT-B-32", 1024),
    "CLIP ViT-B-16": Case("clip", "ViT-B-16", 384),
    "SimCLR ResNet-50": Case("simclr", "resnet50", 256),
    "DINO ViT-S": Case("dino", "vit_small_patch16_224", 64),
}
# Dense bf16 operations a second, as the makers give them. "H100 PCIe" comes before "H100".
PEAKS = {
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "H200": 989e12,
    "B200": 2250e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "4090": 165e12,
}
SMALL = {"clip": "tiny", "simclr": "tiny-resnet", "dino": "tiny"}


class Session:
    """Parts of the benchmark, each a process of its own, until the time is over."""

    def __init__(self, folder: Path, device: str, workers: int, deadline: float, most: float, python_path: str):
        self.folder, self.device, self.workers, self.deadline, self.most = folder, device, workers, deadline, most
        self.environment = os.environ | {"PYTHONPATH": python_path, "PYTHONWARNINGS": "ignore"}
        self.environment |= {"GELATO_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}

    def part(self, name: str, case: Case) -> dict[str, Any]:
        """What a part of gpu_parts.py prints as its last line, or the reason why there is none."""
        settings = asdict(case) | {"device": self.device, "workers": self.workers, "folder": str(self.folder)}
        return self._last_json([sys.executable, str(PARTS), name, json.dumps(settings)])

    def ours(self, case: Case) -> dict[str, Any]:
        """Images/s of `python -m training`, decoding each image each time, as open_clip_train and lightly do."""
        run = self.folder / f"run-{time.monotonic_ns()}"
        words = [sys.executable, "-m", "training", case.method, "--data", str(self.folder / "{00000..00007}.tar")]
        words += ["--tower", case.tower, "--batch-size", str(case.batch), "--steps", str(case.steps), "--cache", "0"]
        words += ["--workers", str(self.workers), "--device", self.device, "--log-every", str(LOG_EVERY)]
        words += ["--warmup", "0", "--checkpoint-every", "1000000", "--out", str(run)]
        words += ["--small-crops", str(case.small_crops)] if case.method == "dino" else []
        done = self._run(words)
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()] if run.is_dir() else []
        lines = [line for line in lines if "seconds" in line]
        if done.returncode or len(lines) <= WARM:
            return {"error": _last_line(done)}
        seconds = sum(line["seconds"] for line in lines[WARM:])
        return {
            "images_per_second": case.batch * LOG_EVERY * len(lines[WARM:]) / seconds,
            "waiting": sum(line["waiting"] * line["seconds"] for line in lines[WARM:]) / seconds,
            "memory_bytes": lines[-1]["memory_bytes"],
            "first_line": next((line for line in done.stderr.splitlines() if line.startswith("Training on")), ""),
        }

    def rival(self, case: Case) -> dict[str, Any]:
        """open_clip_train for CLIP, lightly for the others."""
        return self.part("open_clip" if case.method == "clip" else "lightly", case)

    def _last_json(self, words: list[str]) -> dict[str, Any]:
        done = self._run(words)
        try:
            found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
            return found
        except (IndexError, ValueError):
            return {"error": _last_line(done)}

    def _run(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        left = min(self.deadline - time.monotonic(), self.most)
        if left < 5:
            return subprocess.CompletedProcess(words, 1, "", "left out: the time was over")
        try:
            return subprocess.run(words, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=left)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(words, 1, "", f"left out: not done after {left:.0f} s")


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The last line that names an error, or the last of all."""
    lines = done.stderr.strip().splitlines() or ["it printed nothing"]
    return next((line for line in reversed(lines) if "Error" in line), lines[-1])[:300]


def measure(session: Session, case: Case, device: str) -> dict[str, Any]:
    """All figures of a case, and how they relate. device: its name."""
    ceiling, trained = session.part("ceiling", case), session.ours(case)
    rival, loader = session.rival(case), session.part("loading", case)
    found = {"settings": asdict(case), "ceiling": ceiling, "ours": trained, "rival": rival, "loader": loader}
    rate, most = (part.get("images_per_second") for part in (trained, ceiling))
    if rate and most:
        found["share_of_ceiling"] = rate / most
        found["bound_by"] = "the loader" if loader.get("images_per_second", most) < most else "the GPU"
        if peak := next((flops for name, flops in PEAKS.items() if all(word in device for word in name.split())), None):
            found["mfu"] = rate * ceiling["flops_per_image"] / peak
    if rate and rival.get("images_per_second"):
        found["times_the_rival"] = rate / rival["images_per_second"]
    return found


def table(cases: dict[str, dict[str, Any]]) -> str:
    """The figures as a Markdown table."""
    head = "| | ours | ceiling | share | loader | rival | ours / rival | MFU | memory |"
    rows = [head, "|---" * 9 + "|"]
    for name, found in cases.items():
        rates = [_rate(found[part]) for part in ("ours", "ceiling", "loader", "rival")]
        ratio, share, mfu = found.get("times_the_rival"), found.get("share_of_ceiling"), found.get("mfu")
        memory = found["ours"].get("memory_bytes")
        rows.append(
            f"| {name}, batch {found['settings']['batch']} | {rates[0]} | {rates[1]} | {_percent(share)} | {rates[2]} "
            f"| {rates[3]} | {f'{ratio:.2f}' if ratio else '-'} | {_percent(mfu)} "
            f"| {f'{memory / 2**30:.1f} GiB' if memory else '-'} |"
        )
    return "\n".join(rows)


def _rate(part: dict[str, Any]) -> str:
    return f"{part['images_per_second']:,.0f}/s" if "images_per_second" in part else "-"


def _percent(share: float | None) -> str:
    return f"{share:.0%}" if share else "-"


def unpacked(wheels: Path | None, folder: Path) -> str:
    """The PYTHONPATH with the wheels of a folder, none of which is installed."""
    ours = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    files = sorted(map(str, wheels.glob("*.whl"))) if wheels else []
    if not files:
        return ours
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(folder)]
    subprocess.run([*command, *files], check=True)
    return os.pathsep.join([ours, str(folder)])


@click.command(help=__doc__.splitlines()[0])
@click.option("--wheels", type=click.Path(path_type=Path, exists=True, file_okay=False), help="A folder of wheels.")
@click.option("--device", type=click.Choice(["cuda", "cpu"]), default="cuda", show_default=True)
@click.option("--workers", type=click.IntRange(1), help="Loader processes of each side. [default: cores - 1]")
@click.option("--minutes", default=9.5, show_default=True, type=click.FloatRange(0.5))
@click.option("--case", "names", multiple=True, type=click.Choice(list(CASES)), help="Repeat; all if left out.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="[default: results/gpu.json]")
@click.option("--rehearse", is_flag=True, help="Tiny settings, on the CPU, to try every part; writes only to --out.")
def main(
    wheels: Path | None,
    device: str,
    workers: int | None,
    minutes: float,
    names: tuple[str, ...],
    out: Path | None,
    rehearse: bool,
) -> None:
    """Measure, print, and write the result."""
    deadline = time.monotonic() + 60 * minutes
    chosen = {name: CASES[name] for name in names or CASES}
    if rehearse:
        device, workers = "cpu", workers or 1
        small = {"batch": 8, "steps": 4 * LOG_EVERY, "images": 64, "side": 40, "small_crops": 1}
        chosen = {name: replace(case, tower=SMALL[case.method], **small) for name, case in chosen.items()}
    elif out is None:
        out = RESULT
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        most = 60 * minutes if rehearse else PART_SECONDS  # a rehearsal may share its processor
        packages = unpacked(wheels, folder / "packages")
        session = Session(folder, device, workers or _cores_but_one(), deadline, most, packages)
        first = next(iter(chosen.values()))
        make_images(folder, first.images, first.side)
        result: dict[str, Any] = {"machine": session.part("machine", first), "rehearsal": rehearse, "cases": {}}
        result["exactness"] = session.part("exactness", first)
        for name, case in chosen.items():
            result["cases"][name] = measure(session, case, result["machine"].get("device", ""))
            click.echo(f"{name}: {json.dumps(result['cases'][name])}", err=True)
            if out is not None:  # after each, since the time may end
                out.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(f"{json.dumps(result['machine'])}\n{json.dumps(result['exactness'])}\n\n{table(result['cases'])}")


def _cores_but_one() -> int:
    from training.models.parallel import cores

    return max(1, cores() - 1)


if __name__ == "__main__":
    main()
