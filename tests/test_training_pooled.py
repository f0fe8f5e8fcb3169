"""What is left out of the last layer and behind captions' ends changes neither embeddings nor gradients."""

from copy import deepcopy
from functools import partial

import pytest
import torch

from training.models import pooled
from training.models.dual_encoders import dual_encoder_from_config
from training.models.pooled import ending_of, image_rows, text_rows
from training.models.tower_configs import TINY

VISION = {"image_size": 16, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8}
TEXT = {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
SAID = [
    "a cat",
    "two dogs beside a small red house",
    "snow",
    "a very long caption that has more words than fit into twelve",
]


def tower(vision=None, text=None, **more):
    torch.manual_seed(0)
    return dual_encoder_from_config(
        {"embed_dim": 8, "vision_cfg": VISION | (vision or {}), "text_cfg": TEXT | (text or {}), **more}, "x"
    )


def rows_and_gradients(model, make):
    """What make() gives, and the gradient of something of it for every parameter that has one."""
    model.zero_grad()
    rows = make()
    (rows * torch.linspace(-1, 1, rows.numel()).view_as(rows)).sum().backward()
    return rows.detach(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_same(model, short, plain):
    one, other = rows_and_gradients(model, short), rows_and_gradients(model, plain)
    torch.testing.assert_close(one[0], other[0], rtol=1e-5, atol=1e-6)
    assert one[1].keys() == other[1].keys()
    for name, gradient in other[1].items():
        assert (one[1][name] - gradient).norm() <= 1e-5 * gradient.norm() + 1e-9, name


@pytest.mark.parametrize(
    "vision", [{}, {"ls_init_value": 0.1}, {"final_ln_after_pool": True}, {"no_ln_pre": True}, {"patch_dropout": 0.5}]
)
@pytest.mark.parametrize("checkpointed", [False, True])
def test_images_have_the_rows_and_gradients_of_the_whole_tower(vision, checkpointed):
    model = tower(vision).model.train()
    model.set_grad_checkpointing(checkpointed)
    images = torch.randn(5, 3, 16, 16)

    def seeded(see):
        torch.manual_seed(1)  # for the patches that are dropped
        return see()

    assert pooled._keeps_class_token(model.visual)
    assert_same(
        model, lambda: seeded(lambda: image_rows(model.visual, images)), lambda: seeded(lambda: model.visual(images))
    )


@pytest.mark.parametrize("text", [{}, {"ls_init_value": 0.1}, {"pool_type": "eos", "eos_id": 49407}])
@pytest.mark.parametrize("custom", [False, True])
def test_captions_cut_behind_the_longest_have_the_rows_and_gradients_of_whole_ones(text, custom):
    pair = tower(text=text, custom_text=custom)
    for said in (SAID[:3], SAID):
        tokens = pair.tokenizer(said)
        ending = ending_of(pair.model)
        assert ending is not None
        short = ending.cut(tokens)
        assert short.shape[1] == int((tokens != 0).sum(dim=1).max()) <= 12
        model = pair.model
        assert_same(model, partial(text_rows, model, short), partial(model.encode_text, tokens))


def test_half_precision_stays_within_its_rounding():
    pair = tower()
    tokens, images = pair.tokenizer(SAID), torch.randn(4, 3, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        short = text_rows(pair.model, tokens), image_rows(pair.model.visual, images)
        plain = pair.model.encode_text(tokens), pair.model.visual(images)
    for one, other in zip(short, plain, strict=True):
        assert torch.nn.functional.cosine_similarity(one.float(), other.float()).min() > 0.999


@pytest.mark.parametrize(
    "text",
    [
        {"pool_type": "last"},
        {"pool_type": "first"},
        {"no_causal_mask": True, "pool_type": "argmax"},
        {"embed_cls": True},
        {"qk_norm": True},
    ],
)
def test_captions_stay_whole_where_what_stands_behind_their_end_could_matter(text):
    pair = tower(text=text, custom_text=True)
    assert ending_of(pair.model) is None
    tokens = pair.tokenizer(SAID)
    assert torch.equal(text_rows(pair.model, tokens), pair.model.encode_text(tokens))


@pytest.mark.parametrize("vision", [{"pool_type": "avg"}, {"attentional_pool": True}, {"qk_norm": True}])
def test_a_tower_that_pools_more_than_the_class_token_runs_as_it_is(vision, monkeypatch):
    visual = tower(vision).model.visual
    monkeypatch.setattr(pooled, "_run", None)
    images = torch.randn(2, 3, 16, 16)
    assert torch.equal(image_rows(visual, images), visual(images))


def test_the_short_way_is_the_one_that_training_takes(monkeypatch):
    """The tiny towers have it both for images and for captions, and the last layer then sees one token a sample."""
    pair, seen = dual_encoder_from_config(deepcopy(TINY["tiny"]), "tiny"), []
    for layers in (pair.model.visual.transformer.resblocks, pair.model.transformer.resblocks):
        layers[-1].mlp.register_forward_hook(lambda _, given, out: seen.append(tuple(given[0].shape)))
    pair.encode_image(torch.randn(3, 3, 32, 32))
    pair.encode_text(pair.tokenizer(SAID[:3]))
    assert seen == [(3, 192), (3, 64)]
