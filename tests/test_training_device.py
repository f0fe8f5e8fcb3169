"""What a GPU gets: batches without waiting, augmented there as on the CPU, and memory that holds them."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torchvision.io import ImageReadMode, decode_jpeg

from tests.pretend_gpu import pretend_gpu, put_on
from tests.samples import SMALL_TOWERS, noise_image
from tests.test_training_methods import batch, made, shrink
from training.data import gpu_jpeg, prefetch, views
from training.data.config import DataConfig
from training.data.dataset import ImageDataset
from training.data.loader import Batches, LoadedBatch
from training.data.prefetch import Prefetch, plan_prefetch
from training.data.sampler import Sampler
from training.engine import config as config_module
from training.engine.config import RunConfig, resolve
from training.engine.distributed import World
from training.engine.feed import Feed
from training.engine.finite import FiniteWatch
from training.engine.machine import described
from training.engine.sharded import clip_gradients, gradient_norms
from training.engine.trainer import Trainer
from training.methods import METHODS
from training.models.ema import ema_copy, update_ema
from training.models.errors import UserError
from training.models.norms import GlobalBatchNorm
from training.models.tower_configs import TINY
from training.pretrain import begin

ROOT = Path(__file__).parent.parent
RUN = {"batch_size": 8, "steps": 3, "workers": 0, "log_every": 1, "device": "cpu"}
MB = 1 << 20
EVERYDAY = ("clip", "moco", "swav", "dino", "mae")  # captions, a queue, prototypes, a teacher with small crops, patches


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)


@pytest.mark.parametrize(
    "name", [name if name in EVERYDAY else pytest.param(name, marks=pytest.mark.slow) for name in METHODS]
)
def test_no_part_of_a_step_waits_for_the_gpu(name, monkeypatch):
    """All of a step but the backward pass, on a GPU that is only pretended: waiting for it is an error there."""
    shrink(monkeypatch.setitem)
    method = made(name)
    loaded = method.augment.prepare(batch())
    feed = Feed((part for part in [LoadedBatch(loaded, [])]), method.augment, torch.device("cpu"), False)
    with pretend_gpu() as device:
        feed.device = device
        arguments, _ = next(feed)
        average = put_on(ema_copy(method), device)
        put_on(method, device)
        watch = FiniteWatch(method, device, scaled=False)
        watch.note_inputs(1, arguments)
        loss = method.loss(*arguments)
        watch.note_loss(1, loss)
        trained = [weight for weight in method.parameters() if weight.requires_grad]
        for weight in trained:
            weight.grad = torch.empty_like(weight)
        method.before_step(0.5)
        norms = gradient_norms(trained)
        norm = clip_gradients(trained, norms, 1.0)
        watch.note_gradients(1, loss, norm, norms)
        torch.optim.AdamW(trained).step()
        method.after_step(0.5)
        update_ema(average, method, 0.9, copy_buffers=True)
    assert all(argument.device == device for argument in arguments) and loss.device == device


WAITING = {"item", "tolist", "cpu", "numpy", "nonzero", "synchronize"}
CONVERSIONS = {"float", "int", "bool"}
OF_STEPS = {  # functions of the engine that run in every step; of the other files, all but those of NOT_IN_STEPS
    "training/engine/trainer.py": {"_train_step", "_backward"},
    "training/engine/feed.py": {"__next__", "_placed", "_on_device", "whole_f32"},
    "training/engine/finite.py": {"note_inputs", "note_loss", "note_gradients", "_note", "_floating"},
    "training/engine/sharded.py": {"gradient_norms", "clip_gradients"},
    "training/engine/microbatch.py": {"cached_backward", "summed_backward", "split"},
    "training/engine/lars.py": {"step"},
    "training/engine/optim.py": {"set_schedules"},
    "training/models/ema.py": set(),
    "training/models/norms.py": set(),
    "training/models/collectives.py": set(),
    "training/models/dual_encoder.py": {"encode_image", "encode_text"},
}
NOT_IN_STEPS = {"report", "__init__", "__post_init__", "product", "prepare", "beside", "learn_from", "one_first"}
ON_THE_CPU = {  # what these convert lies on the CPU: a size, a caption's tokens, a state that was just loaded
    ("training/methods/rows.py", "effective_rank"),
    ("training/methods/rows.py", "health"),
    ("training/methods/colorisation.py", "_bins"),
    ("training/methods/two_towers.py", "exchanged"),
    ("training/methods/relative_position.py", "__call__"),
    ("training/methods/jigsaw.py", "_chosen"),
}


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Every function with its name, without those in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node


def waits(call: ast.Call) -> bool:
    """Whether a call makes a number of the CPU out of what may be a tensor."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr in WAITING
    plain = bool(call.args) and isinstance(call.args[0], ast.Constant | ast.Attribute) and not _is_state(call.args[0])
    return isinstance(call.func, ast.Name) and call.func.id in CONVERSIONS and not plain


def _is_state(value: ast.expr) -> bool:
    """self.something, which may be a buffer; self.config.something is a setting."""
    return isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name)


def test_step_code_converts_no_tensor_to_a_number():
    files = {f"training/methods/{path.name}": set() for path in (ROOT / "training/methods").glob("*.py")} | OF_STEPS
    found = []
    for file, names in files.items():
        for name, node in functions(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            if name in NOT_IN_STEPS or (names and name not in names) or (file, name) in ON_THE_CPU:
                continue
            calls = [call for call in ast.walk(node) if isinstance(call, ast.Call) and waits(call)]
            found += [f"{file}:{call.lineno} {ast.unparse(call)}" for call in calls]
    assert not found
    sample = "def loss(self, x):\n    return float(self.progress) + x.item() + int(self.config.queue)"
    (_, node), *_ = functions(ast.parse(sample))
    assert sum(isinstance(call, ast.Call) and waits(call) for call in ast.walk(node)) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("name", ["clip", "simclr", "dino", "swav"])
def test_a_step_on_a_real_gpu_never_waits(name, captioned, monkeypatch):
    step = Trainer._train_step

    def watched(self, feed):
        torch.cuda.set_sync_debug_mode("error" if self.step else "default")  # the first step makes what stays
        try:
            step(self, feed)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(Trainer, "_train_step", watched)
    begin(None, name, DataConfig(data=(str(captioned),)), RUN | {"device": "cuda"}, {}, quiet=True)


@pytest.mark.parametrize("name, workers", [("clip", 1), ("simclr", 0), ("mae", 0), ("slip", 0)])
def test_a_run_augmented_on_the_device_is_the_run_augmented_by_workers(name, workers, captioned, tmp_path):
    for place in ("cpu", "device"):
        run = RUN | {"workers": workers, "augment_on": place}
        begin(tmp_path / place, name, DataConfig(data=(str(captioned),)), run, {}, quiet=True)
    one, other = (load_file(tmp_path / place / "model.safetensors") for place in ("cpu", "device"))
    assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Images for nvJPEG, and those that it is not given: a turned one, a grey one, a large one, and PNGs."""
    folder = tmp_path_factory.mktemp("mixed")
    turned = Image.Exif()
    turned[0x0112] = 6
    for number in range(12):
        image = noise_image(number, (60, 40))
        save = {"quality": 90} | ({"exif": turned} if number == 3 else {})
        image = image.convert("L") if number == 4 else image.resize((300, 200)) if number == 5 else image
        image.save(folder / f"{number:02}.{'png' if number % 4 == 2 else 'jpg'}", **save if number % 4 != 2 else {})
    return folder


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning", "ignore::DeprecationWarning")
def test_jpegs_that_a_device_decodes_are_those_that_a_worker_decodes(mixed, monkeypatch, capsys):
    """By a stand-in: nvJPEG is torchvision's decoder on a GPU, and here it is that on the CPU. Then without it."""
    given = []

    def stand_in(files, device):
        given.append(len(files))
        return [decode_jpeg(file, ImageReadMode.RGB) for file in files]

    monkeypatch.setattr(gpu_jpeg, "decode_all", stand_in)
    images = ImageDataset([str(mixed)], 32)
    sampler, method = Sampler(images.sizes, 12, 0), made("mae")
    whole = {}
    for on_device in (False, True):
        images.jpegs_for_gpu = on_device
        batches = Batches(images, sampler, method.augment, 0, augmented=False)
        whole[on_device] = batches[0].arguments.to(torch.device("cpu"))
    assert given == [6] and whole[True].images.shape == whole[False].images.shape == (12, 3, 32, 32)
    apart = (whole[True].images.int() - whole[False].images.int()).abs()
    assert apart.max() <= 6 and apart.float().mean() < 0.5
    assert torch.equal(whole[True].aspects, whole[False].aspects)

    def refused(files, device):
        raise RuntimeError("the JPEG was refused")

    monkeypatch.setattr(gpu_jpeg, "decode_all", refused)
    by_cpu = Batches(images, sampler, method.augment, 0, augmented=False)[0].arguments.to(torch.device("cpu"))
    assert torch.equal(by_cpu.images, whole[False].images)
    run = RUN | {"augment_on": "device", "decode_on": "device", "batch_size": 4, "steps": 1}
    for works, said in (
        (True, "images are decoded and augmented on the device"),
        (False, "decoded on the CPU: nvJPEG"),
    ):
        monkeypatch.setattr(gpu_jpeg, "works_on", lambda device, works=works: works)
        begin(None, "simclr", DataConfig(data=(str(mixed),), cache=0), run, {})
        assert said in capsys.readouterr().err.splitlines()[0]


@pytest.mark.parametrize("name", [name for name in METHODS if name != "untrained"])
def test_what_the_device_gets_does_not_depend_on_when_texts_are_read(name, monkeypatch):
    shrink(monkeypatch.setitem)
    augment = made(name).augment
    at_once, prepared = augment(batch()), augment(augment.prepare(batch()))
    assert all(torch.equal(one, other) for one, other in zip(at_once, prepared, strict=True))


PLANS = {  # batch MB, workers, --prefetch MB, free MB of /dev/shm, ranks -> workers, ahead, threads
    "all fits": ((10, 4, 4096, 24000, 1), (4, 4, False)),
    "no /dev/shm on this system": ((10, 4, 4096, None, 1), (4, 4, False)),
    "the bound holds fewer in advance": ((100, 8, 2000, 24000, 1), (8, 2, False)),
    "the bound holds fewer than one a worker": ((200, 16, 2000, 24000, 1), (9, 1, False)),
    "half of shared memory is for all ranks": ((100, 4, 4096, 16000, 8), (4, 2, False)),
    "Docker's 64 MB": ((200, 8, 4096, 64, 1), (8, 2, True)),
    "Docker's 64 MB and small batches": ((1, 4, 4096, 64, 1), (4, 4, False)),
    "no workers": ((200, 0, 4096, 64, 1), (0, 4, False)),
    "one batch over the bound": ((500, 4, 100, 24000, 1), (1, 1, False)),
}


@pytest.mark.parametrize("case", PLANS)
def test_batches_in_advance_fit_into_half_of_shared_memory(case, monkeypatch):
    (size, workers, most, free, ranks), expected = PLANS[case]

    def statvfs(path):
        assert path == "/dev/shm"
        if free is None:
            raise FileNotFoundError(path)
        return SimpleNamespace(f_bavail=free * 256, f_frsize=4096)

    monkeypatch.setattr(os, "statvfs", statvfs)
    plan = plan_prefetch(size * MB, workers, most * MB, ranks)
    assert (plan.workers, plan.ahead, plan.threads) == expected
    if plan.workers and not plan.threads and free is not None:
        assert ranks * (plan.workers * plan.ahead + 1) * size <= free / 2 or plan.workers * plan.ahead == 1
    reduced = plan.threads or plan.workers < workers
    assert bool(plan.note) == reduced
    assert not plan.threads or ("has 64 MB free" in plan.note and "--shm-size" in plan.note)


def test_threads_prepare_the_batches_that_processes_would(captioned, tmp_path, monkeypatch, capsys):
    for name, free in (("processes", 1 << 20), ("threads", 1)):  # pages of shared memory
        monkeypatch.setattr(prefetch, "shared_memory_bytes", lambda free=free: free * 4096)
        begin(tmp_path / name, "clip", DataConfig(data=(str(captioned),)), RUN | {"workers": 2}, {})
        line = capsys.readouterr().err.splitlines()[0]
        assert line.startswith("Training on CPU in f32; 2 " + ("threads" if free == 1 else "workers"))
        assert ("--shm-size" in line) == (free == 1)
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("processes", "threads"))
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_run_takes_its_precision_and_its_workers_from_the_machine(monkeypatch):
    gpu, cpu = World(0, 1, torch.device("cuda")), World(0, 1, torch.device("cpu"))
    monkeypatch.setattr(World, "cores_each", lambda self: 16)
    for bf16 in (True, False):
        monkeypatch.setattr(config_module, "has_bf16", lambda bf16=bf16: bf16)
        config, origins = resolve({"steps": 1}, {}, 1000, gpu)
        assert config.precision == ("bf16" if bf16 else "f32") and origins["precision"] == "machine"
        assert (config.augment_on, config.workers) == ("device", 15)
    config, _ = resolve({"steps": 1}, {}, 1000, cpu)
    assert (config.precision, config.augment_on, config.workers) == ("f32", "cpu", 8)
    config, origins = resolve({"steps": 1, "precision": "f16", "augment_on": "cpu", "workers": 3}, {}, 1000, gpu)
    assert (config.precision, config.augment_on, config.workers) == ("f16", "cpu", 3) and origins["workers"] == "user"
    with pytest.raises(UserError, match="needs a CPU or an NVIDIA GPU"):
        resolve({"steps": 1, "augment_on": "device"}, {}, 1000, World(0, 1, torch.device("mps")))


def test_the_first_line_says_where_and_how_a_run_trains(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100 80GB HBM3")
    config = RunConfig(steps=1, precision="bf16", augment_on="device")
    line = described(World(0, 8, torch.device("cuda")), config, Prefetch(15, 2, pinned=True))
    assert line == (
        "Training on 8 ranks, each on NVIDIA H100 80GB HBM3 in bf16 and TF32; 15 workers of each rank, 2 batches "
        "ahead; images are augmented on the device"
    )


def test_cores_are_shared_by_the_ranks_of_a_machine(monkeypatch):
    """Whether each rank may use all cores of its machine, or has been given its own."""
    here = ("here", "there")
    monkeypatch.setattr("socket.gethostname", lambda: "here")
    for of_rank, expected in ((lambda rank: set(range(32)), 4), (lambda rank: {2 * rank, 2 * rank + 1}, 2)):
        found = [(here[rank // 8], of_rank(rank)) for rank in range(16)]
        monkeypatch.setattr(World, "gather", lambda self, value, found=found: found)
        assert World(0, 16, torch.device("cpu")).cores_each() == expected


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_batch_norm_over_gpus_is_that_over_processors():
    torch.manual_seed(0)
    images = torch.randn(6, 4, 5, 5)
    norms = [GlobalBatchNorm(4), GlobalBatchNorm(4).cuda()]
    outputs = [norms[0]._over_ranks(images), norms[1]._on_gpus(images.cuda())]
    torch.testing.assert_close(outputs[1].cpu(), outputs[0], rtol=1e-5, atol=1e-5)


def test_an_average_over_all_weights_at_once_is_that_weight_by_weight():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    average = ema_copy(network)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(1)
    expected = [0.9 * own + 0.1 * new for own, new in zip(average.parameters(), network.parameters(), strict=True)]
    update_ema(average, network, 0.9)
    for own, value in zip(average.parameters(), expected, strict=True):
        torch.testing.assert_close(own, value)


def test_images_resized_in_parts_are_those_resized_at_once(monkeypatch):
    images, flip = torch.rand(7, 3, 20, 20), torch.arange(7) % 2 == 0
    top, left, height, width = torch.randint(1, 10, (4, 7))
    at_once = views.crop_and_resize(images, top, left, height, width, 12, flip)
    monkeypatch.setattr(views, "RESIZED_AT_ONCE", 3)
    torch.testing.assert_close(views.crop_and_resize(images, top, left, height, width, 12, flip), at_once)
