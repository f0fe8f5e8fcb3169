"""Models of the catalogue's shapes, fetched from an imitated hub and opened without network as open_clip opens them."""

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from tests import checkpoints
from tests.hub_server import imitated_hub
from training.models.downloads.get import get
from training.models.downloads.local import remove, status
from training.models.encoders import load_encoder
from training.models.errors import UserError

KINDS = ["clip", "siglip2", "custom_text", pytest.param("mobileclip", marks=pytest.mark.slow), "xlm_roberta"]
TEXTS = ["a photo of a cat", "the old red dog", "katze", "a sea"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_fetched_with_all_it_needs_and_opens_without_network(kind, tmp_path, monkeypatch):
    make = getattr(checkpoints, kind)
    made = make(str(tmp_path / "made")) if kind == "xlm_roberta" else make()
    with imitated_hub(made.repositories, tmp_path) as hub:
        assert status(made.name).state == "absent"
        assert get(made.name).state == "ready"
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        asked = len(hub.requests)
        encoder = load_encoder(made.name, runtime="torch", precision="f32")
        tokens = torch.from_numpy(encoder.tokens(TEXTS))
        with torch.no_grad():
            expected = made.model.encode_text(tokens, normalize=True).numpy()
            side = encoder.image_size
            pixels = np.random.default_rng(0).integers(0, 255, (2, side, side, 3), np.uint8)
            seen = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5
            images = made.model.encode_image(seen, normalize=True).numpy()
        assert len(np.unique(tokens.numpy(), axis=0)) == len(TEXTS)  # the tokenizer knows the words
        assert np.allclose(encoder.embed_texts(TEXTS), expected, atol=1e-4)
        assert np.allclose(encoder.embed_pixels(pixels), images, atol=1e-4)
        assert len(hub.requests) == asked
        assert (encoder.logit_bias is not None) == (kind == "siglip2")
        assert remove(made.name) > 0 and status(made.name).state == "absent"


def test_an_encoder_that_is_not_here_is_fetched_when_it_is_asked_for(tmp_path):
    made = checkpoints.clip()
    with imitated_hub(made.repositories, tmp_path) as hub:
        hub.fault("open_clip_model.safetensors", "drop")
        encoder = load_encoder(made.name, runtime="torch")
        assert encoder.embed_images([Image.new("RGB", (40, 30))]).shape == (1, 32)
        with pytest.raises(UserError, match="no repository some/other"):
            load_encoder("hf-hub:some/other")


def test_weights_trained_with_quick_gelu_are_run_with_it():
    """open_clip only warns of ViT-B-32/openai, whose own name for it is ViT-B-32-quickgelu."""
    from training.models.open_clip_weights import needs_quick_gelu

    assert needs_quick_gelu("ViT-B-32", "openai") and needs_quick_gelu("ViT-B-16", "dfn2b")
    assert not needs_quick_gelu("ViT-B-32-quickgelu", "openai")  # says so itself
    assert not needs_quick_gelu("ViT-B-32", "laion2b_s34b_b79k") and not needs_quick_gelu("ViT-B-32", None)
    assert open_clip.get_pretrained_cfg("ViT-B-32", "openai")["quick_gelu"]
