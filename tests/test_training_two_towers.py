"""What CLIP and its kin do beside their losses: views, wrong captions, temperatures, and what they report."""

import math

import numpy as np
import pytest
import torch

from tests.samples import SMALL_TOWERS
from training.data.batch import Batch
from training.data.keyed import Keyed
from training.methods import METHODS
from training.methods.two_towers import caption_number, effective_rank, exchanged
from training.models.backbones import build_backbone
from training.models.dual_encoders import build_dual_encoder, dual_encoder_from_config
from training.models.errors import UserError
from training.models.starter import image_backbone
from training.models.tower_configs import TINY


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)
    torch.manual_seed(0)


def method(name="clip", **settings):
    return METHODS[name](build_dual_encoder("tiny"), METHODS[name].Config(**settings))


def batch(captions: list[list[str]]) -> Batch:
    images = torch.randint(0, 256, (len(captions), 3, 32, 32), dtype=torch.uint8)
    return Batch(
        images,
        captions,
        torch.zeros(len(captions)).long(),
        Keyed(0, 0, np.arange(len(captions))),
        torch.ones(len(captions)),
    )


@pytest.mark.parametrize("name, scale, bias", [("clip", 1 / 0.07, None), ("siglip", 10.0, -10.0)])
def test_temperature_and_bias_begin_where_the_papers_have_them(name, scale, bias):
    model = method(name).pair.model
    assert model.logit_scale.exp().item() == pytest.approx(scale)
    assert (model.logit_bias is None) if bias is None else (model.logit_bias.item() == bias)


def test_siglips_bias_can_begin_where_the_share_of_right_pairs_asks_for():
    assert method("siglip", bias=-2.0).pair.model.logit_bias.item() == -2.0


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_the_temperature_is_clamped_after_the_step(name):
    clipped = method(name)
    for wild, kept in ((9.0, math.log(100)), (-3.0, 0.0)):
        with torch.no_grad():
            clipped.pair.model.logit_scale.fill_(wild)
        clipped.after_step(0.5)
        assert clipped.pair.model.logit_scale.item() == pytest.approx(kept)


def test_duplicate_captions_are_reported_with_the_loss_that_they_make_the_least():
    clip = method()
    said = [["a dog"], ["A  dog"], ["a cat"], ["a ship"]]
    clip.loss(*clip.augment(batch(said)))
    report = clip.report()
    assert report["duplicates"] == 0.5 and report["floor"] == pytest.approx(math.log(2) / 2)
    assert 0 <= report["accuracy"] <= 1 and 1 <= report["effective_rank"] <= 4


def test_every_view_belongs_to_its_sample_whatever_the_batch():
    clip = method(crop=0.3, hard_negatives=True)
    said = [["a red dog", "a blue cat"], ["one red ship and two green trees"], ["x"]]
    whole = batch(said)
    alone = Batch(whole.images[1:2], said[1:2], whole.labels[1:2], Keyed(0, 0, np.array([1])), torch.ones(1))
    for together, single in zip(clip.augment(whole), clip.augment(alone), strict=True):
        assert torch.equal(together[1:2], single)


def test_a_crop_keeps_at_least_its_share_and_no_crop_keeps_all():
    ramp = torch.arange(32).mul(8).to(torch.uint8).expand(50, 3, 32, 32)
    of_all = Batch(ramp, [["a"]] * 50, torch.zeros(50).long(), Keyed(0, 0, np.arange(50)), torch.ones(50))
    crops = method(crop=0.5).augment(of_all)[0]
    width = (crops[:, 0, 0, -2] - crops[:, 0, 0, 1]) / 29  # of a pixel, from the ramp's slope
    width = width * 0.26862954 * 255 / 8  # CLIP's deviation; of the image
    assert crops.shape == (50, 3, 32, 32)
    assert width.max() <= 1.02 and width.min() >= math.sqrt(0.5 * 3 / 4) - 0.05 and width.std() > 0.05
    whole = method(crop=1.0).augment(of_all)[0]
    assert torch.allclose(whole[:, 0] * 0.26862954 + 0.48145466, ramp[:, 0] / 255, atol=1e-6)


@pytest.mark.parametrize(
    "text, wrong",
    [
        ("a red dog and a blue cat", {"a blue dog and a red cat"}),
        ("two dogs beside three cats", {"three dogs beside two cats"}),
        ("a dog chasing a man", {"a chasing dog a man", "a man chasing a dog", "a dog man a chasing"}),
        ("a dog", {""}),
        ("a photo of the", {""}),
    ],
)
def test_a_wrong_caption_has_the_same_words_with_two_of_them_exchanged(text, wrong):
    made = {exchanged(text, draw) for draw in np.linspace(0, 0.999, 30)}
    assert made == wrong
    assert all(sorted(one.split()) == sorted(text.split()) for one in made if one)


def test_captions_are_told_apart_by_their_words_alone():
    assert caption_number("A  dog") == caption_number("a dog") != caption_number("a cat")


def test_the_effective_rank_counts_directions():
    assert effective_rank(torch.eye(6)) == pytest.approx(6)
    assert effective_rank(torch.ones(6, 4)) == pytest.approx(1, abs=1e-3)


def test_devise_learns_only_the_map_into_words_at_first():
    devise = method("devise")
    devise.pair.pretrained = "all"
    devise.loss(*devise.augment(batch([["a dog"], ["a cat"]]))).backward()
    devise.before_step(0.1)
    moved = {name for name, p in devise.pair.model.visual.named_parameters() if p.grad is not None}
    assert moved == {"proj"}


@pytest.mark.parametrize("tower, width", [("tiny", 32), ("tiny-resnet", 256), ("resnet18", 512)])
def test_towers_have_the_width_that_they_say(tower, width):
    backbone = build_backbone(tower, 32)
    assert backbone.width == width and backbone(torch.zeros(2, 3, 32, 32)).shape == (2, width)


def test_an_image_tower_of_timm_stands_beside_a_text_tower_of_open_clip():
    pair = build_dual_encoder("resnet10t", text_tower="tiny", image_size=64)
    assert (
        pair.encode_image(torch.zeros(2, 3, 64, 64)).shape
        == pair.encode_text(pair.tokenizer(["a", "b"])).shape
        == (2, 512)
    )
    assert pair.made_of["preprocess_cfg"]["size"] == 64


def locked(pair):
    """What a locked image tower leaves to learn of the image's side."""
    clip = METHODS["clip"](pair, METHODS["clip"].Config(lock_image=True))
    return {name for name, p in clip.pair.model.visual.named_parameters() if p.requires_grad}


def test_a_tower_with_timms_weights_can_be_locked_and_its_map_to_words_learns(monkeypatch):
    import timm

    asked, make = [], timm.create_model

    def create(name, pretrained=False, **settings):
        asked.append(pretrained)
        return make(name, **settings)

    monkeypatch.setattr(timm, "create_model", create)
    pair = build_dual_encoder("resnet10t.c3_in1k", text_tower="tiny")
    assert locked(pair) == {"head.proj.weight"} and asked == [True]
    again = dual_encoder_from_config(
        pair.made_of["model_cfg"], "x", pair.made_of["preprocess_cfg"]
    )  # as a run is opened: no hub
    assert asked == [True, False] and again.pretrained == "nothing"
    with pytest.raises(UserError, match="freshly initialised"):
        METHODS["clip"](pair, METHODS["clip"].Config(lock_text=True))


def test_the_image_encoder_of_the_embedded_default_can_be_locked_and_taught_words():
    pair = build_dual_encoder("starter", text_tower="tiny")
    assert locked(pair) == {"head.proj.weight"} and tuple(pair.backbone.mean) == (0.5, 0.5, 0.5)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(pair.model.visual.eval().trunk(images), image_backbone().network(images))


def test_an_unknown_tower_is_answered_with_near_names():
    with pytest.raises(UserError, match=r"no tower called 'ViT-B-23'\. Did you mean ViT-B-32"):
        build_dual_encoder("ViT-B-23")
    with pytest.raises(UserError, match="no text tower called 'nothing'"):
        build_dual_encoder("tiny", text_tower="nothing")


def test_a_tower_whose_weights_cannot_be_fetched_is_refused_in_one_sentence(monkeypatch):
    from open_clip import model

    def away(**_):
        raise FileNotFoundError("the hub is away")

    monkeypatch.setattr(model, "CustomTextCLIP", away)
    monkeypatch.setattr(model, "CLIP", away)
    with pytest.raises(UserError, match="not on this machine and cannot be fetched; as a tower to train, resnet18"):
        build_dual_encoder("resnet18.a1_in1k")
