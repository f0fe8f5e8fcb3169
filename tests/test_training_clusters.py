"""Two nodes as docs/clusters.md starts them: one is killed, the job is requeued, and it ends with the same bits."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from training.engine.checkpoint import last_step
from training.engine.log import CLOCK, read_metrics

ROOT = Path(__file__).parent.parent
ADDRESSES = ("127.0.0.1", "127.0.0.2")  # of the nodes, both on the loopback interface
STEPS = 40
METHOD = ["clip", "--tower", "tiny", "--batch-size", "16", "--steps", str(STEPS), "--checkpoint-every", "4"]
METHOD += ["--log-every", "2", "--workers", "1", "--keep", "20", "--device", "cpu"]


class Job:
    """Two nodes that share the run folder and the data; each has a cache, processes and an address of its own."""

    def __init__(self, data: Path, run: Path, folder: Path):
        with socket.socket() as free:
            free.bind((ADDRESSES[0], 0))
            port = free.getsockname()[1]
        work = ["resume", str(run)] if (run / "config.json").is_file() else [*METHOD, "--data", str(data), "--out", run]
        self.nodes = []
        for number, address in enumerate(ADDRESSES):
            words = [sys.executable, "-m", "training", "torchrun", "--nnodes", "2", "--node-rank", str(number)]
            words += ["--nproc-per-node", "1", "--master-addr", ADDRESSES[0], "--master-port", str(port)]
            own = {"GELATO_CACHE": str(folder / f"cache-{number}"), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
            self.nodes.append(
                subprocess.Popen(
                    [*words, "--local-addr", address, *map(str, work)],
                    cwd=ROOT,
                    env=os.environ | own,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                    text=True,
                )
            )

    def kill(self, node: int) -> None:
        """All processes of a node at once, as at a loss of power; its launcher and rank are of one session."""
        for process in children_of(self.nodes[node].pid):
            os.kill(process, signal.SIGKILL)

    def stop(self) -> None:
        """The SIGTERM that Slurm sends before the time is over."""
        for node in self.nodes:
            node.send_signal(signal.SIGTERM)

    def __enter__(self) -> "Job":
        return self

    def __exit__(self, *_: object) -> None:
        for number, node in enumerate(self.nodes):
            if node.poll() is None:
                self.kill(number)
                node.communicate()

    def ended(self, seconds: float) -> list[tuple[int, str]]:
        """Exit code and words of each node, within some seconds."""
        said = [node.communicate(timeout=seconds)[1] for node in self.nodes]
        return [(node.returncode, words) for node, words in zip(self.nodes, said, strict=True)]


def children_of(process: int) -> list[int]:
    """A process and all that it has started, by what /proc says."""
    found = [process]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == process:
            found += children_of(int(stat.parent.name))
    return found


def wait_for_step(run: Path, step: int, job: Job) -> None:
    deadline = time.monotonic() + 900  # a busy machine imports torch for minutes
    while last_step(run) < step:
        assert time.monotonic() < deadline and all(node.poll() is None for node in job.nodes), "no checkpoint came"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the addresses 127.0.0.2 and /proc are Linux's")
def test_a_job_that_lost_a_node_and_one_that_ran_out_of_time_end_with_the_same_bits(captioned, tmp_path):
    with Job(captioned, tmp_path / "whole", tmp_path) as job:
        assert [code for code, _ in job.ended(900)] == [0, 0]
    run = tmp_path / "requeued"
    with Job(captioned, run, tmp_path) as job:
        wait_for_step(run, 4, job)
        job.kill(1)
        (code, words), (killed, _) = job.ended(300)
    assert killed == -signal.SIGKILL and code == 1
    assert "lost another rank" in words.strip().splitlines()[-1]
    reached = last_step(run)
    assert 4 <= reached < STEPS
    with Job(captioned, run, tmp_path) as job:
        wait_for_step(run, min(STEPS - 4, reached + 4), job)
        job.stop()
        assert {code for code, _ in job.ended(300)} <= {130, 0}
    with Job(captioned, run, tmp_path) as job:
        assert [code for code, _ in job.ended(900)] == [0, 0]
    whole, again = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "requeued"))
    assert whole.keys() == again.keys() and all(torch.equal(whole[name], again[name]) for name in whole)
    logs = [
        [{k: v for k, v in line.items() if k not in CLOCK} for line in read_metrics(tmp_path / name / "metrics.jsonl")]
        for name in ("whole", "requeued")
    ]
    assert logs[0] == logs[1]
