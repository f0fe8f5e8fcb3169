"""How near do builds come to what this machine can do?

    python benchmarks/build.py --photos FOLDER

The photographs, repeated to COUNT, go through `python -m index bench build` in a process of their own, once
with `starter` and once with a randomly initialised ViT-B-32 that is made here. The result is printed and
kept beside this script as build.json.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.random_weights import make_weights
from benchmarks.rivals import repeated

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results/build.json"


@click.command()
@click.option("--photos", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--count", default=2000, show_default=True, help="Photographs, repeated to that many.")
@click.option("--weights", type=click.Path(path_type=Path), help="Kept there for another run.")
def main(photos: Path, count: int, weights: Path | None) -> None:
    """Measure builds of PHOTOS."""
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        random = make_weights("ViT-B-32", weights or Path(folder, "random.pt"))
        encoders = {"starter": "starter", "ViT-B-32, random": f"ViT-B-32/{random}"}
        images = repeated(photos, Path(folder, "photographs"), count)
        for name, encoder in encoders.items():
            command = [sys.executable, "-m", "index", "bench", "build", str(images), "--encoder", encoder, "--json"]
            done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
            result[name] = json.loads(done.stdout) | {"encoder": name}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    click.echo(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
