"""Several ranks on one machine, for tests: each a process of its own over gloo, all with the same script.

They are forked from one process that has imported torch and open_clip, which takes ten seconds of a core.
"""

import multiprocessing
import os
import socket
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

processes = multiprocessing.get_context("forkserver")  # started at the first rank; it has no threads, as pytest may
processes.set_forkserver_preload(
    ["open_clip", "torch.distributed", "timm.layers", "training.pretrain", "tests.samples"]
)


def on_ranks(module: str, folder: Path, ranks: int = 2, seconds: float = 900) -> list[dict[str, Any]]:
    """What `main(rank) -> dict` of a test module gives on each of several ranks. seconds: until one hangs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(ranks), "OMP_NUM_THREADS": "1"}
    started = [
        processes.Process(target=run, args=(module, folder, os.environ | place | {"RANK": str(rank)}))
        for rank in range(ranks)
    ]
    end = time.monotonic() + seconds
    for process in started:
        process.start()
    for process in started:
        process.join(max(0.0, end - time.monotonic()))
        process.kill()  # nothing if it has ended
        process.join()
    assert all(process.exitcode == 0 for process in started), "\n".join(map(output, folder.glob("*.output")))
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(ranks)]


def output(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def run(module: str, folder: Path, environment: dict[str, str]) -> None:
    """One rank, in a process of its own."""
    os.environ.clear()
    os.environ.update(environment)
    rank = int(os.environ["RANK"])
    with (folder / f"{rank}.output").open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    result = import_module(module).main(rank)
    torch.save(result, folder / f"{rank}.pt")
    if dist.is_initialized():  # a run leaves its group itself
        dist.destroy_process_group()
