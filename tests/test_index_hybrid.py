"""Names, captions and tags are searched beside the embedding, in any language, and never at its cost."""

import json
import shutil
import unicodedata

import numpy as np
import pytest
from click.testing import CliRunner

from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.maintenance.verify import find_faults
from index.query import parse_query, with_file_names
from index.retrieval.text_index import load_text_index, make_text_index
from index.retrieval.tokenization import document_words, query_words, sequence
from index.search import SearchRequest, search
from index.storage.layout import TEXT_INDEX
from index.storage.tags import tag
from tests.samples import ColourEncoder, find, noise_image, paint
from training.models.encoder import Encoder, unit

FILES = {
    "2019/beach/IMG_0007.jpg": "",
    "2019/beach/IMG_0008.jpg": "children build a sandcastle",
    "2018/beach/IMG_0009.jpg": "",
    "2019/berlin/DSC01234.jpg": "a crowded café at night",
    "2020/旅行/東京タワーの夜景.png": "",
    "2020/Zürich/Großmünster.png": "Żółta łódź",
    "2020/misc/MyHolidayPhoto_20170714.png": "",
    "2020/misc/scan.png": "Москва, Красная площадь",
}


class Shapeless(ColourEncoder):
    """An image-only encoder."""

    name, reads_text = "shapeless", False
    fingerprint = "5ha9e1e55"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for number, (path, caption) in enumerate(FILES.items()):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        noise_image(number).save(file)
        if caption:
            file.with_suffix(".txt").write_text(caption, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def collection(photos, tmp_path_factory):
    into = tmp_path_factory.mktemp("made") / "photos.gelato"
    build_collection([photos], into, ColourEncoder())
    return Collection.open(into)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("IMG_0007", "2019/beach/IMG_0007.jpg"),
        ("img 0007", "2019/beach/IMG_0007.jpg"),
        ("Img-0009.HEIC", "2018/beach/IMG_0009.jpg"),
        ("0008", "2019/beach/IMG_0008.jpg"),
        ("dsc01234", "2019/berlin/DSC01234.jpg"),
        ("DSC 01234", "2019/berlin/DSC01234.jpg"),
        ("beach 2018", "2018/beach/IMG_0009.jpg"),
        ("2019 Berlin", "2019/berlin/DSC01234.jpg"),
        ("cafe", "2019/berlin/DSC01234.jpg"),
        ("CAFE\u0301 at night", "2019/berlin/DSC01234.jpg"),
        ("sandcastle", "2019/beach/IMG_0008.jpg"),
        ("夜景", "2020/旅行/東京タワーの夜景.png"),
        ("東京", "2020/旅行/東京タワーの夜景.png"),
        ("東京 旅行", "2020/旅行/東京タワーの夜景.png"),
        ("夜", "2020/旅行/東京タワーの夜景.png"),
        ("zurich", "2020/Zürich/Großmünster.png"),
        ("GROSSMÜNSTER", "2020/Zürich/Großmünster.png"),
        ("zolta lodz", "2020/Zürich/Großmünster.png"),
        ("holiday", "2020/misc/MyHolidayPhoto_20170714.png"),
        ("myholidayphoto", "2020/misc/MyHolidayPhoto_20170714.png"),
        ("2017", "2020/misc/MyHolidayPhoto_20170714.png"),
        ("МОСКВА", "2020/misc/scan.png"),
    ],
)
def test_a_name_a_folder_or_a_caption_finds_its_image_first(collection, encoder, query, first):
    hit = find(collection, encoder, query, k=1)[0]
    assert hit.path == first
    assert hit.matched in ("text", "both")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        *((query, "IMG-20190714-WA0003") for query in ("2019-07-14", "20190714", "2019 07", "2019.07.14", "wa0003")),
        *((query, "Screenshot 2020-01-02 at 10.11.12") for query in ("20200102", "2020-01-02", "screenshot 2020")),
        *((query, "Anna's birthday") for query in ("anna", "Anna's", "annas", "ANNA’S birthday")),
        *((query, "l’été à l'Orsay d’O’Brien") for query in ("été", "ete", "orsay", "brien", "O'Brien")),
        *((query, "İstanbul'da bir gün") for query in ("istanbul", "İSTANBUL", "istanbulda")),
        *((query, "e-mail on a t-shirt") for query in ("email", "e mail", "tshirt", "T-Shirt")),
        *((query, "birthday 🎂 party 🎉🎉") for query in ("🎂", "🎉 party", "🎂🎉")),
        *((query, "I ❤️ 🇩🇪 👍🏽") for query in ("❤", "❤️", "🇩🇪", "👍", "👍🏿")),
        *((query, "Köln im Frühling") for query in ("koeln", "KOELN", "koln", "fruehling", "Frühling")),
        *((query, name) for query in ("München", "muenchen") for name in ("München", "MUENCHEN_1")),
        *(
            (query, name)
            for query in ("Mauerblümchen", "Mauerbluemchen")
            for name in ("Mauerblümchen", "mauerbluemchen")
        ),
        *(
            (query, name)
            for query in ("Tromsø", "Tromsoe", "Århus", "Aarhus")
            for name in ("Tromsø Århus", "tromsoe-aarhus")
        ),
        *((query, name) for query in ("Straße", "strasse", "Łódź", "Lodz") for name in ("Straße Łódź", "Strasse_Lodz")),
        ("straßenbahn", "die Straßen\u00adbahn"),
    ],
)
def test_a_text_is_found_however_its_words_are_divided_and_spelt(query, text):
    for form in ("NFC", "NFD"):
        assert set(query_words(query)) <= set(document_words(unicodedata.normalize(form, text)))


@pytest.mark.parametrize(
    ("query", "text"),
    [("🎂", "party 🎉"), ("2019-07-15", "IMG-20190714"), ("tshirts", "t-shirt"), ("d", "Anna'd"), ("🇫🇷", "🇩🇪")],
)
def test_a_text_is_not_found_by_what_it_does_not_say(query, text):
    assert not set(query_words(query)) <= set(document_words(text))


@pytest.mark.parametrize(
    "query", ["IMG_0099", "beach umbrella cocktail evening", "zebra", "of the", "- beach", "red - beach"]
)
def test_what_no_name_has_is_ranked_by_the_embedding_alone(collection, encoder, query):
    hits = find(collection, encoder, query)
    assert hits == find(collection, encoder, query, text_ranking=False)
    assert {hit.matched for hit in hits} == {"image"}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_the_name_of_a_file_is_that_image_in_either_unicode_form(collection, form):
    [term] = with_file_names(parse_query(unicodedata.normalize(form, "GROẞMÜNSTER.PNG")), collection)
    assert collection.items.set_index("id")["path"][term.image_id] == "2020/Zürich/Großmünster.png"


def test_folders_share_a_query_and_the_image_orders_those_that_have_it(collection, encoder):
    hits = find(collection, encoder, "beach 2019")
    assert {hit.path for hit in hits[:2]} == {"2019/beach/IMG_0007.jpg", "2019/beach/IMG_0008.jpg"}
    assert hits[0].score >= hits[1].score
    assert len(hits) == len(FILES)


def test_an_image_with_all_words_is_likely_and_a_score_asked_for_is_a_score(collection, encoder):
    result = search(collection, encoder, SearchRequest(parse_query("beach 2019"), threshold="on"))
    likely = {hit.path for hit in result.hits if hit.likely}
    assert {"2019/beach/IMG_0007.jpg", "2019/beach/IMG_0008.jpg"} <= likely and result.likely == len(likely)
    assert "2018/beach/IMG_0009.jpg" not in likely or any(h.normalised_score >= 1 for h in result.hits)
    by_score = search(collection, encoder, SearchRequest(parse_query("beach 2019"), threshold=99.0))
    assert by_score.likely == 0 and by_score.hits[0].path.startswith("2019/beach")


def test_filters_hold_for_what_was_found_by_name(collection, encoder):
    hits = find(collection, encoder, "IMG_0007", filter='folder == "2018/beach"')
    assert [hit.path for hit in hits] == ["2018/beach/IMG_0009.jpg"]


def test_tags_are_found_from_the_moment_they_are_given(photos, tmp_path, encoder):
    build_collection([photos], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    image = collection.column("id").iat[3]
    assert find(collection, encoder, "grandma")[0].matched == "image"
    tag(collection, [image], "Grandma’s birthday")
    hit = find(collection, encoder, "grandmas birthday", threshold="on")[0]
    assert (hit.id, hit.likely) == (image, True) and hit.matched in ("text", "both")
    tag(collection, [image], "Grandma’s birthday", on=False)
    assert find(collection, encoder, "grandma")[0].matched == "image"


def test_an_image_only_encoder_searches_names_and_captions(photos, tmp_path):
    encoder = Shapeless()
    build_collection([photos], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    result = search(collection, encoder, SearchRequest(parse_query("beach 2019")))
    assert [hit.path for hit in result.hits[:2]] == ["2019/beach/IMG_0007.jpg", "2019/beach/IMG_0008.jpg"]
    assert {(hit.score, hit.matched) for hit in result.hits} == {(None, "text")} and result.likely == 2
    assert search(collection, encoder, SearchRequest(parse_query("zebra"))).hits == ()
    assert len(find(collection, encoder, "beach 2019", likely_only=True)) == 2
    assert [hit.path for hit in find(collection, encoder, "beach - 2019")][:1] == ["2018/beach/IMG_0009.jpg"]
    with_image = find(collection, encoder, [*parse_query("beach"), *parse_query("scan.png")])
    assert len(with_image) == len(FILES) and with_image[0].score is not None


class Directions(Encoder):
    """Every text and image is what the test says."""

    name, dim, image_size, fingerprint = "directions", 3, 8, "d1rec710"

    def embed_pixels(self, pixels):
        return unit(pixels.mean(axis=(1, 2)) - 100.0)

    def preprocess(self, image):
        return np.asarray(image.convert("RGB").resize((8, 8)))

    def embed_text_batch(self, texts):
        return unit(np.array([[1.0, -1.0, -1.0]] * len(texts)))


def test_one_word_of_many_does_not_displace_what_the_image_shows(tmp_path):
    for number in range(20):
        paint(tmp_path / "images" / f"wall {number}.png", (120 + number, 120, 120 - number))
    paint(tmp_path / "images" / "x.png", (250, 20, 20))
    build_collection([tmp_path / "images"], tmp_path / "c.gelato", Directions())
    collection = Collection.open(tmp_path / "c.gelato")
    assert find(collection, Directions(), "a red bicycle against a brick wall")[0].path == "x.png"
    assert find(collection, Directions(), "wall 7")[0].path == "wall 7.png"


def test_the_index_is_stored_made_again_when_stale_and_never_needed(photos, tmp_path, encoder):
    copied = tmp_path / "photos"
    shutil.copytree(photos, copied)
    into = tmp_path / "c.gelato"
    build_collection([copied], into, encoder)
    old = Collection.open(into)
    assert load_text_index(old) is not None
    noise_image(99).save(copied / "sunset over Naxos.png")
    build_collection([copied], into, encoder)
    new = Collection.open(into)
    stored = load_text_index(new)
    assert load_text_index(old) is None and stored is not None, "each belongs to one revision"
    made = make_text_index(new)
    assert np.array_equal(stored.hashes, made.hashes) and np.array_equal(stored.rows, made.rows)
    assert find(new, encoder, "naxos", k=1)[0].path == "sunset over Naxos.png"
    assert find(old, encoder, "IMG_0007", k=1)[0].path.endswith("IMG_0007.jpg"), "an older reader makes its own"
    (into / TEXT_INDEX).write_bytes(b"broken")
    assert find(Collection.open(into), encoder, "naxos", k=1)[0].path == "sunset over Naxos.png"
    assert [fault.where for fault in find_faults(into)] == [TEXT_INDEX]
    build_collection([copied], into, encoder, repair=True)
    assert not find_faults(into) and load_text_index(Collection.open(into)) is not None


def test_the_command_marks_what_was_found_by_its_text(collection, monkeypatch):
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())
    run = CliRunner().invoke
    marked = run(cli, ["search", str(collection.path), "IMG_0007"]).stdout.splitlines()
    assert "text]" in marked[0] and "IMG_0007" in marked[0]
    [first, *_] = json.loads(run(cli, ["search", str(collection.path), "IMG_0007", "--json"]).stdout)
    assert first["matched"] in ("text", "both") and first["path"].endswith("IMG_0007.jpg")
    alone = json.loads(run(cli, ["search", str(collection.path), "IMG_0007", "--no-text-ranking", "--json"]).stdout)
    assert {hit["matched"] for hit in alone} == {"image"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The dog's IMG_0007.", ["dogs", "img", "0007"]),
        ("to be or", ["to", "be", "or"]),
        ("ﬁne Straße ÉTÉ e\u0301te\u0301", ["fine", "strasse", "ete"]),
        ("İstanbul ıstanbul", ["istanbul"]),
        ("ｶﾒﾗ", ["カメ", "メラ"]),
        ("iPhoneで撮影2019", ["iphone", "で撮", "撮影", "2019"]),
        ("한국어", ["한국", "국어"]),
        ("ภาพ", ["ภา", "าพ"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("שָׁלוֹם", ["שלום"]),
        ("مُحَمَّد", ["محمد"]),
        ("…!?", []),
        ("", []),
    ],
)
def test_words_are_alike_in_any_script_case_and_accent(text, words):
    assert query_words(text) == words
    assert set(words) <= set(document_words(text))


@pytest.mark.parametrize(("one", "other"), [("IMG_0007", "img 0007"), ("Café-noir", "CAFE\u0301 NOIR"), ("猫", "猫！")])
def test_a_whole_name_is_the_same_whatever_its_punctuation(one, other):
    assert sequence(one) == sequence(other)
