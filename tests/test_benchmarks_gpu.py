"""benchmarks/gpu.py in rehearsal: every part runs and every figure is there, long before a GPU is at hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu import CASES, table

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_a_rehearsal_measures_every_part_of_our_side(tmp_path):
    command = [sys.executable, "benchmarks/gpu.py", "--rehearse", "--out", str(tmp_path / "gpu.json")]
    command += ["--case", "CLIP ViT-B-32", "--case", "SimCLR ResNet-50", "--minutes", "9"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["rehearsal"] and found["machine"]["cores"] >= 1
    exact = found["exactness"]
    assert exact["a repetition has the same bits"]
    assert exact["largest relative difference of the loss, bf16 and f32"] < 0.1
    assert exact["largest relative difference of the loss, TF32 and f32"] == 0  # a CPU has none
    assert set(exact["largest difference of pixels augmented on the device, of 1"].values()) == {0.0}
    for case in found["cases"].values():
        for part in ("ours", "ceiling", "loader"):
            assert case[part]["images_per_second"] > 0, case[part]
        assert case["ceiling"]["flops_per_image"] > 0 and case["bound_by"] in ("the loader", "the GPU")
        assert case["ours"]["first_line"].startswith("Training on CPU in f32; 1 worker")
    assert len(done.stdout.splitlines()) >= 5


def test_a_part_that_failed_leaves_a_gap_in_the_table():
    settings = {"batch": CASES["DINO ViT-S"].batch}
    missing = {"error": "No module named 'lightly'"}
    rates = {"ours": {"images_per_second": 1234.0, "memory_bytes": 3 << 30}, "ceiling": {"images_per_second": 2468.0}}
    case = {"settings": settings, **rates, "rival": missing, "loader": missing, "share_of_ceiling": 0.5}
    assert table({"DINO ViT-S": case}).splitlines()[-1] == (
        "| DINO ViT-S, batch 64 | 1,234/s | 2,468/s | 50% | - | - | - | - | 3.0 GiB |"
    )
