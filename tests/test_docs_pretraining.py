"""Every command on docs/pretraining.md that a processor can run does run, at a tiny size and in the page's order."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.pretraining import with_table
from tests.samples import noise_image
from tests.test_docs_readme import ROOT, command

PAGE = ROOT / "docs/pretraining.md"
ELSEWHERE = {"img2dataset"}  # programs that need a network, of which the page says how to call them
SMALL = shlex.split("--steps 2 --batch-size 8 --workers 0 --tower tiny --device cpu")  # an option's last word counts
NUMBERS = {
    r"scenes:\d+": "scenes:40",
    r"\{00000\.\.\d+\}": "{00000..00001}",
    r"--nproc-per-node \d+": "--nproc-per-node 2",
}


def commands() -> list[str]:
    """The page's commands, each a line."""
    blocks = re.findall(r"(?:^    .+\n)+", PAGE.read_text(), re.M)
    return [line.strip() for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines()]


def tiny(said: str) -> list[str]:
    """A command as this machine runs it: its own words, less of everything. ValueError for one that nobody knows."""
    for pattern, less in NUMBERS.items():
        said = re.sub(pattern, less, said)
    words = shlex.split(said)
    start = ["torchrun"] if words[0] == "torchrun" else ["python", "-m"]
    if words[: len(start)] != start or "..." in said:
        raise ValueError(f"{said!r} is no command that this test knows how to run")
    module = words.index("-m") + 1
    train = words[module] == "training" and bool({"--data", "--config"} & set(words))
    own = "--tower starter" in said  # small enough as it is
    more = [word for word in SMALL if not (own and word in ("--tower", "tiny"))] if train else []
    first = [sys.executable, "-m", "torch.distributed.run", *words[1:]] if start == ["torchrun"] else [sys.executable]
    return [*(first if start == ["torchrun"] else [*first, *words[1:]]), *more]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with everything that the page's commands name."""
    folder = tmp_path_factory.mktemp("page")
    names = ["cat", "dog", "ship", "tree"]
    for where in ("Images", "shards", "raw"):
        (folder / where).mkdir()
    rows = []
    for number in range(24):
        path = folder / f"Images/{number:02d}.png"
        noise_image(number, (40, 40)).save(path)
        rows.append({"path": str(path), "label": names[number % 4], "label_name": names[number % 4]})
    for name in ("images", "cifar10-train", "cifar10-val"):
        pd.DataFrame(rows).to_parquet(folder / f"{name}.parquet")
    (folder / "run.yaml").write_text("data: images.parquet\ncaption: a photo of a {label}\n")
    (folder / "queries.txt").write_text("cat\ndog\n")
    for where in ("shards", "raw"):
        for shard in range(2):
            _write_shard(folder / where / f"{shard:05d}.tar", rows[12 * shard : 12 * shard + 12])
    return folder


def _write_shard(path: Path, rows: list[dict]) -> None:
    import io
    import tarfile

    with tarfile.open(path, "w") as tar:
        for row in rows:
            stem = Path(row["path"]).stem
            for ending, data in (("png", Path(row["path"]).read_bytes()), ("txt", f"a {row['label']} {stem}".encode())):
                member = tarfile.TarInfo(f"{stem}.{ending}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def test_every_command_is_known():
    found = [said for said in commands() if said.split()[0] not in ELSEWHERE]
    assert len(found) >= 12 and all(tiny(said) for said in found)
    with pytest.raises(ValueError, match="no command that this test knows"):
        tiny("python -m training siglip --bias -2 ...the same")


def test_every_option_that_the_text_names_exists():
    import click

    options = set()
    for module, names in {
        "training": ("clip", "siglip", "devise", "distillation", "dino", "resume", "report", "curate", "export"),
        "index": ("build",),
    }.items():
        group = command(module)
        context = click.Context(group)
        for name in names:
            for parameter in group.get_command(context, name).get_params(context):
                options |= {*parameter.opts, *parameter.secondary_opts}
    prose = re.sub(r"^    .*$|<!--.*?-->|^```\w*\n(?s:.*?)^```$", "", PAGE.read_text(), flags=re.M)
    named = {flag for span in re.findall(r"`([^`]+)`", prose) for flag in re.findall(r"--[a-z0-9-]+", span)}
    assert len(named) > 20 and named <= options | {"--shm-size"}  # of docker


@pytest.mark.slow
def test_every_command_that_a_processor_can_run_runs(place):
    surroundings = os.environ | {
        "HOME": str(place),
        "GELATO_CACHE": str(place / "cache"),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    for said in commands():
        if said.split()[0] in ELSEWHERE:
            continue
        words = [word.replace("~", str(place), 1) if word.startswith("~/") else word for word in tiny(said)]
        done = subprocess.run(words, cwd=place, env=surroundings, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{said}\n{done.stdout[-500:]}{done.stderr[-1500:]}"
    assert {"first", "laion"} <= {path.name for path in (place / "runs").iterdir()}


def test_the_page_shows_the_runs_that_are_stored():
    runs = json.loads((ROOT / "benchmarks/results/pretraining.json").read_text())
    assert with_table(PAGE.read_text(), runs) == PAGE.read_text(), "run: python benchmarks/pretraining.py RUN ..."
