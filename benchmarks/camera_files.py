"""How fast are builds of photographs as cameras and phones write them, beside clip-retrieval and an upper bound?

    python benchmarks/camera_files.py --photos FOLDER --clip-retrieval ENVIRONMENT/bin/python --work FOLDER

Photographs are enlarged to 12 megapixels, get grain so that their files are as large as a camera's, and are written as
JPEG and as HEIC, with EXIF, a profile (Display P3) and an orientation. Each kind of file is built with `starter` and
with a randomly initialised ViT-B-32, and the same ViT-B-32 goes through clip-retrieval, all in turns. The environment
of clip-retrieval needs setuptools<81 and pillow-heif: that writes the HEIC files, and reads them for clip-retrieval,
which has no reader of its own. Rates and memory are those of rivals.py, the upper bound is that of build.py. The result
is printed and kept beside this script as camera_files.json. What is there already is not measured again: the command
goes on where it was stopped; delete the file to begin anew.
"""

import io
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import click
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.random_weights import make_weights
from benchmarks.rivals import ROOT, clip_retrieval, ours, repeated
from index.ingest.throughput import machine
from tests.icc import rgb_profile

RESULT = Path(__file__).parent / "results/camera_files.json"
Save: TypeAlias = Callable[[], None]
SIZE = (4000, 3000)
KINDS = ("JPEG", "HEIC")
GRAIN = 5.0  # standard deviation, in levels of 255
SLOWER = 4  # clip-retrieval gets a fourth of the files, which take it longer
DIFFERENT = 12  # photographs that are made; they are repeated
TURNED = (1, 6, 1, 8)  # EXIF orientations, in turns
# clip-retrieval with a reader of HEIC: its workers inherit what is registered here.
WITH_HEIC = "import pillow_heif; pillow_heif.register_heif_opener(); from clip_retrieval.cli import main; main()"
TO_HEIC = """
import pillow_heif, sys
from PIL import Image
pillow_heif.register_heif_opener()
for path in sys.argv[2:]:
    with Image.open(path) as image:
        out = f"{sys.argv[1]}/{path.rpartition('/')[2].removesuffix('.jpg')}.heic"
        exif, profile = image.getexif(), image.info["icc_profile"]
        image.save(out, quality=50, enc_params={"preset": "veryfast"}, exif=exif, icc_profile=profile)
"""


def enlarged(photo: Path, number: int) -> bytes:
    """A photograph as a 12-megapixel JPEG."""
    rng = np.random.default_rng(number)
    with Image.open(photo) as opened:
        pixels = np.asarray(opened.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC), np.float32)
    grain = rng.standard_normal(pixels.shape[:2], np.float32)[..., None] * GRAIN
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Maker", "Camera", TURNED[number % len(TURNED)]
    exif[0x0132] = f"2024:05:{number % 28 + 1:02} 12:00:00"
    out = io.BytesIO()
    image = Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8))
    image.save(out, "JPEG", quality=92, exif=exif, icc_profile=rgb_profile("Display P3"))
    return out.getvalue()


def make_files(photos: Path, work: Path, writer: str) -> None:
    """A folder a kind of file, in work; what is there already is used. writer: the Python that writes HEIC."""
    folders = {kind: work / kind for kind in KINDS}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, photo in enumerate(sorted(photos.glob("*.jpg"))[:DIFFERENT]):
        made.append(folders["JPEG"] / f"{number:03}.jpg")
        if not made[-1].exists():
            made[-1].write_bytes(enlarged(photo, number))
    missing = [str(path) for path in made if not (folders["HEIC"] / f"{path.stem}.heic").exists()]
    if missing:
        subprocess.run([writer, "-c", TO_HEIC, str(folders["HEIC"]), *missing], check=True)


def folder_of(work: Path, kind: str, count: int) -> Path:
    """A folder of so many files of a kind, repeated."""
    folder = work / f"{kind}-{count}"
    return folder if folder.exists() else repeated(work / kind, folder, count)


def bound(images: Path, encoder: str) -> dict[str, Any]:
    """`index bench build`: the rate of a build, and the upper bound of its stages."""
    command = [sys.executable, "-m", "index", "bench", "build", str(images), "--encoder", encoder, "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"encoder": encoder.partition("/")[0]}  # without the path of its weights


def in_turns(trials: dict[str, Callable[[], dict[str, Any]]], rounds: int, runs: dict[str, Any], save: Save) -> None:
    """Every trial once a round. runs: what was measured already, which is not measured again."""
    for number in range(rounds):
        for name, trial in trials.items():
            done = runs.setdefault(name, [])
            if len(done) <= number:
                done.append(trial())
                save()
                click.echo(f"round {number + 1}, {name}: {done[-1]}", err=True)


@click.command()
@click.option("--photos", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--clip-retrieval", "rival", required=True, help="The Python of its environment.")
@click.option("--work", required=True, type=click.Path(path_type=Path), help="What is made there already is used.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), default=KINDS, show_default=True)
@click.option("--count", default=120, show_default=True, help="Files, repeated to that many.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--only-make", is_flag=True, help="Make the files and measure nothing.")
def main(
    photos: Path, rival: str, work: Path, kinds: tuple[str, ...], count: int, rounds: int, only_make: bool
) -> None:
    """Measure builds of PHOTOS as a camera would have written them."""
    make_files(photos, work, rival)
    weights = make_weights("ViT-B-32", work / "random.pt")
    if only_make:
        return
    encoders = {"starter": "starter", "ViT-B-32": f"ViT-B-32/{weights}"}
    result: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}

    def save() -> None:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")

    for kind in kinds:
        images, few = folder_of(work, kind, count), folder_of(work, kind, max(1, count // SLOWER))
        trials = {f"gelato, {name}": partial(ours, images, of, cache=work / "cache") for name, of in encoders.items()}
        trials["clip-retrieval, ViT-B-32"] = partial(clip_retrieval, [rival, "-c", WITH_HEIC], few, weights)
        found = result.setdefault(kind, {"machine": machine(), "runs": {}, "upper_bound": {}})
        sizes = [path.stat().st_size for path in images.iterdir()]
        found |= {"images": count, "mean_megabytes": round(statistics.mean(sizes) / 1e6, 2)}
        in_turns(trials, rounds, found["runs"], save)
        for name, encoder in encoders.items():
            if name not in found["upper_bound"]:
                found["upper_bound"][name] = bound(images, encoder)
                save()
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
