"""Several ranks on one machine, for tests: each a process of its own over gloo, all with the same script."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import torch
import torch.distributed as dist

ROOT = Path(__file__).parent.parent


def on_ranks(module: str, folder: Path, ranks: int = 2, seconds: float = 240) -> list[dict]:
    """What `main(rank) -> dict` of a test module gives on each of several ranks, within some seconds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(ranks), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.ranks", module, str(folder)]
    started = [
        subprocess.Popen(command, cwd=ROOT, env=os.environ | place | {"RANK": str(rank)}, stderr=subprocess.PIPE)
        for rank in range(ranks)
    ]
    said = [process.communicate(timeout=seconds)[1].decode() for process in started]
    assert all(process.returncode == 0 for process in started), "\n".join(said)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(ranks)]


if __name__ == "__main__":
    from importlib import import_module

    rank = int(os.environ["RANK"])
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    result = import_module(sys.argv[1]).main(rank)
    torch.save(result, Path(sys.argv[2]) / f"{rank}.pt")
    if dist.is_initialized():  # a run leaves its group itself
        dist.destroy_process_group()
