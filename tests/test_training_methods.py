"""What every method of the registry keeps to, whatever its paper is about."""

import pickle
import re
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.ranks import on_ranks
from training.data.batch import Batch
from training.data.keyed import Keyed
from training.data.source import Item
from training.data.teacher import Teacher
from training.methods import METHODS
from training.models.backbones import build_backbone
from training.models.dual_encoders import build_dual_encoder
from training.models.errors import UserError
from training.models.norms import make_norms_global
from training.models.small_networks import SMALL_NETWORKS
from training.models.tower_configs import TINY

BATCH, CANVAS = 8, 48
ON_VIT = {"mae"}
SMALL = {  # settings that keep a test quick, by the names that methods share
    "hidden": 16,
    "projection": 8,
    "queue": 24,
    "prototypes": 6,
    "outputs": 10,
    "narrow": 8,
    "permutations": 5,
    "decoder_width": 16,
    "decoder_depth": 1,
    "classes": 4,
    "channels": 16,
    "small_crops": 2,
}


@pytest.fixture(autouse=True)
def small_towers(monkeypatch):
    shrink(monkeypatch.setitem)


def shrink(put) -> None:
    """The tiny towers smaller still."""
    vision = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8}
    text = {"context_length": 8, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
    put(TINY, "tiny", {"embed_dim": 16, "vision_cfg": vision, "text_cfg": text})
    put(SMALL_NETWORKS, "tiny-resnet", {"layers": (1, 1, 1, 1), "channels": (8, 8, 8, 16)})


def made(name: str, tower: str | None = None, seed: int = 0, **settings):
    """A small method of that name, the same for the same seed."""
    kind = METHODS[name]
    tower = tower or ("tiny" if name in ON_VIT else "tiny-resnet")
    known = {field.name for field in fields(kind.Config)}
    build = build_dual_encoder if kind.needs_captions else build_backbone
    torch.manual_seed(seed)
    made_of = {key: value for key, value in SMALL.items() if key in known} | settings
    method = kind(build(tower, image_size=16), kind.Config(**made_of)).train()
    if name == "distillation":
        method.teacher_scale = method.augment.learn_from(teacher(), Pairs())
    return method


class Pairs:
    """The images and captions of `batch`, as a data set lists them."""

    def __len__(self) -> int:
        return 3 * BATCH

    def item(self, number: int) -> Item:
        return Item(f"{number}.png", "", 0.0, bytes)

    def captions(self, number: int) -> list[str]:
        return [f"image number {number}", f"a red thing and {number} others"]


def teacher() -> Teacher:
    """Random embeddings of Pairs."""
    vectors = F.normalize(torch.randn(9 * BATCH, 5, generator=torch.Generator().manual_seed(5)), dim=1).numpy()
    paths = [Pairs().item(number).path for number in range(len(Pairs()))]
    texts = [text for number in range(len(Pairs())) for text in Pairs().captions(number)]
    images, of_texts = vectors[: len(paths)], vectors[len(paths) :]
    return Teacher("teacher", paths, [images[:7], images[7:]], 20.0, "", texts, of_texts)


def batch(samples=range(BATCH), epoch: int = 0) -> Batch:
    """Images of noise, each the same in any batch."""
    images = [np.random.default_rng(i).integers(0, 255, (3, CANVAS, CANVAS), np.uint8) for i in samples]
    return Batch(
        torch.from_numpy(np.stack(images)),
        [[f"image number {i}", f"a red thing and {i} others"] for i in samples],
        torch.tensor([i % 4 for i in samples]),
        Keyed(3, epoch, np.array(list(samples))),
        torch.tensor([(1.0, 1.5, 0.7)[i % 3] for i in samples]),
    )


def steps(method, first: int, last: int, of: int = 10) -> None:
    """Train as the engine does, in double precision's plainest form."""
    optimizer = torch.optim.SGD([p for p in method.parameters() if p.requires_grad], lr=0.05)
    for step in range(first, last):
        optimizer.zero_grad()
        method.loss(*method.augment(batch(range(step * BATCH, step * BATCH + BATCH), step))).backward()
        method.before_step(step / of)
        optimizer.step()
        method.after_step((step + 1) / of)


@pytest.mark.parametrize("name", METHODS)
def test_gradients_reach_the_whole_backbone(name):
    method = made(name)
    with torch.no_grad():
        for parameter in method.backbone.parameters():  # ResNets begin with blocks that pass nothing on
            parameter.add_(0.02 * torch.randn_like(parameter))
    loss = method.loss(*method.augment(batch()))
    assert loss.ndim == 0 and torch.isfinite(loss)
    loss.backward()
    reached = [p.grad is not None and bool(p.grad.any()) for p in method.backbone.parameters() if p.requires_grad]
    assert all(reached) if name != "untrained" else not any(reached)
    assert all(np.isfinite(value) for value in method.report().values())


@pytest.mark.parametrize("name", METHODS)
def test_everything_that_moves_survives_in_the_state(name):
    whole = made(name)
    steps(whole, 0, 1)
    again = made(name, seed=1)
    again.load_state_dict({key: value.clone() for key, value in whole.state_dict().items()})
    for one in (whole, again):
        steps(one, 1, 2)
    ours, theirs = whole.state_dict(), again.state_dict()
    assert ours.keys() == theirs.keys()
    assert not [key for key in ours if not torch.equal(ours[key], theirs[key])]


@pytest.mark.parametrize("name", METHODS)
def test_a_sample_is_augmented_alike_in_any_batch_and_any_process(name):
    augment = pickle.loads(pickle.dumps(made(name).augment))
    together, alone = augment(batch(range(4))), augment(batch([2]))
    assert len(together) == len(alone)
    for whole, part in zip(together, alone, strict=True):
        if part.dtype == torch.long and part.ndim == 2:  # captions, as long as the longest of their batch
            part = F.pad(part, (0, whole.shape[1] - part.shape[1]))
        assert torch.allclose(whole[2:3].double(), part.double(), atol=1e-5)
    later = augment(batch(range(4), epoch=1))
    assert name in ("untrained", "clip", "siglip", "devise") or not torch.equal(together[0], later[0])


@pytest.mark.parametrize("name", METHODS)
def test_settings_explain_themselves(name):
    assert all(len(field.metadata["help"]) > 10 for field in fields(METHODS[name].Config))


TOGETHER = [name for name in METHODS if name != "untrained"]


def trained(name: str, rank: int = 0, ranks: int = 1) -> dict[str, torch.Tensor]:
    """Two steps on this rank's share of each batch: everything that the method holds, and its losses."""
    method = make_norms_global(made(name).double())
    optimizer = torch.optim.SGD([p for p in method.parameters() if p.requires_grad], lr=0.05)
    share, losses = BATCH // ranks, []
    for step in range(2):
        samples = range(step * BATCH + rank * share, step * BATCH + (rank + 1) * share)
        optimizer.zero_grad()
        arguments = [a.double() if a.is_floating_point() else a for a in method.augment(batch(samples))]
        loss = method.loss(*arguments)
        loss.backward()
        method.before_step(step / 10)
        for parameter in method.parameters():
            if ranks > 1 and parameter.grad is not None:
                torch.distributed.all_reduce(parameter.grad)
                parameter.grad /= ranks
        optimizer.step()
        method.after_step((step + 1) / 10)
        losses.append(loss.detach())
    return {"losses": torch.stack(losses), **method.state_dict()}


def main(rank: int) -> dict:
    shrink(dict.__setitem__)
    return {f"{name}/{key}": value for name in TOGETHER for key, value in trained(name, rank, 2).items()}


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    return on_ranks("tests.test_training_methods", tmp_path_factory.mktemp("ranks"))


@pytest.mark.parametrize("name", TOGETHER)
def test_two_ranks_train_what_one_trains(name, halves):
    whole = trained(name)
    for key, value in whole.items():
        one, other = (half[f"{name}/{key}"].double() for half in halves)
        got = (one + other) / 2 if key == "losses" else one
        assert torch.allclose(got, value.double(), rtol=1e-5, atol=1e-7), key
        assert key == "losses" or torch.equal(one, other), key


@pytest.mark.parametrize("name", ["jigsaw", "relative-position"])
def test_tiles_want_images_large_enough_to_show_something(name):
    images, keyed = torch.zeros(2, 3, 32, 32, dtype=torch.uint8), Keyed(0, 0, np.arange(2))
    tiny = Batch(images, [[], []], torch.zeros(2), keyed, torch.ones(2))
    with pytest.raises(UserError, match="--canvas 96"):
        made(name).augment(tiny)


def test_mae_on_a_convolutional_network_sees_no_pixel_of_the_masked_patches():
    settings = {"hidden_share": 0.75, "decoder_width": 16, "decoder_heads": 2}
    method = METHODS["mae"](build_backbone("plain-cnn", image_size=32), METHODS["mae"].Config(**settings)).eval()
    images, order = method.augment(batch())  # 2 x 2 patches of 16 pixels, of which one is visible
    altered = images.clone()
    for image, patches in zip(altered, order, strict=True):
        for patch in patches[1:].tolist():
            top, left = 16 * (patch // 2), 16 * (patch % 2)
            image[:, top : top + 16, left : left + 16] += 1
    seen = order[:, :1]
    assert torch.equal(method.patches(images, seen), method.patches(altered, seen))
    assert not torch.equal(method.patches(images, seen), method.patches(images + 1, seen))
    method.train().loss(images, order).backward()
    assert all(p.grad is not None and p.grad.any() for p in method.backbone.parameters())


def test_mae_refuses_an_image_that_a_convolutional_network_sees_as_one_cell():
    with pytest.raises(UserError, match=r"as 1 by 1 cells; choose an --image-size"):
        METHODS["mae"](build_backbone("tiny-resnet", image_size=8), METHODS["mae"].Config())


def test_the_worked_example_is_a_method_like_any_other(monkeypatch):
    text = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text()
    example = ModuleType("training.methods.simsiam")
    monkeypatch.setitem(sys.modules, example.__name__, example)
    exec(re.findall(r"```python\n(.+?)```", text, re.S)[0], vars(example))
    monkeypatch.setitem(METHODS.places, "simsiam", re.findall(r'"simsiam": "(.+?)"', text)[0])
    test_gradients_reach_the_whole_backbone("simsiam")
    test_everything_that_moves_survives_in_the_state("simsiam")
    test_a_sample_is_augmented_alike_in_any_batch_and_any_process("simsiam")
