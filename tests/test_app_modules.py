"""The pure functions of the page's scripts, called in a real Chromium and compared with values worked out here."""

import json
import math
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.ui.assets import ASSETS
from index.viewing import SIDES
from tests.browsing import bare_page
from tests.samples import QUERIES
from training.models.formats import IMAGES

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def call(browser) -> Iterator[Callable[[str, str], Any]]:
    """call(path, expression): what an expression over a module, named m, answers."""
    with bare_page(browser) as page:
        yield lambda path, expression: page.evaluate(f"import('/{path}').then((m) => {expression})")


def js(value: object) -> str:
    return json.dumps(value)


@pytest.mark.parametrize(("query", "terms"), QUERIES)
def test_a_query_is_read_as_the_server_reads_it(call, query, terms):
    read = call("ui/query/terms.js", f"m.parseQuery({js(query)})")
    assert [(one["sign"], one["weight"], one["text"]) for one in read] == terms


@pytest.mark.parametrize("query", ["dog", "2:golden retriever + pool - people", "- snow", "cat - 1.5:dog"])
def test_a_query_that_is_read_and_written_stays_as_it_was(call, query):
    assert call("ui/query/terms.js", f"m.formatQuery(m.parseQuery({js(query)}))") == query


def test_signed_ids_come_back_and_a_weight_goes_round(call):
    terms = [{"id": "7", "sign": 1}, {"id": "9", "sign": -1}]
    assert call("ui/query/terms.js", f"m.signed({js(terms)}, 'id')") == ["7", "-9"]
    assert call("ui/query/terms.js", "m.unsigned(['7', '-9'])") == terms
    assert call("ui/query/terms.js", "[1, 1.5, 2, 3, 4, 7].map(m.nextWeight)") == [2, 2, 3, 4, 1, 1]


def test_numbers_are_formatted_as_people_read_them(call):
    formats = "ui/format/format.js"
    assert call(formats, "[0, 999, 1234567].map(m.count)") == ["0", "999", "1,234,567"]
    assert call(formats, "[1, 2, 1000].map(m.images)") == ["1 image", "2 images", "1,000 images"]
    assert call(formats, "[0.12345, -0.5].map(m.score)") == ["0.123", "−0.500"]
    shares = [0, 0.0004, 0.0006, 0.5, 0.12345, 0.9994, 0.9996, 1]
    expected = ["0", "0", "0.1", "50.0", "12.3", "99.9", "100", "100"]
    assert call(formats, f"{js(shares)}.map(m.percent)") == [f"{text}\u2009%" for text in expected]
    assert call(formats, "[0.2, 89, 91, 600].map(m.minutes)") == ["1 s", "89 s", "2 min", "10 min"]
    sizes = [10, 4400, 2_500_000, 3_200_000_000]
    assert call(formats, f"{js(sizes)}.map(m.fileSize)") == ["1 kB", "4 kB", "2.5 MB", "3.2 GB"]


def test_bars_of_the_histogram_grow_with_the_root_of_their_count(call):
    histogram = {"counts": [0, 1, 4, 16], "low": -1.0, "high": 3.0}
    bars = call("ui/histogram/scale.js", f"m.bars({js(histogram)})")
    tallest = 34 - 2
    heights = [0] + [max(1.5, tallest * math.sqrt(count / 16)) for count in (1, 4, 16)]
    assert [bar["height"] for bar in bars] == pytest.approx(heights)
    assert [bar["middle"] for bar in bars] == pytest.approx([-0.5, 0.5, 1.5, 2.5])
    assert [bar["x"] for bar in bars] == [0, 4, 8, 12]


def test_a_threshold_moves_in_steps_within_its_range_and_back_to_its_position(call):
    histogram = {"counts": [1] * 10, "low": 0.0, "high": 2.0}
    scale = "ui/histogram/scale.js"
    clamped = f"[-1, 0.499, 0.512, 1.137, 5].map((value) => m.clamped(value, {js(histogram)}))"
    assert call(scale, clamped) == pytest.approx([0, 0.5, 0.52, 1.14, 2])
    assert call(scale, f"m.valueAt(0.25, {js(histogram)})") == pytest.approx(0.5)
    assert call(scale, f"m.position(0.5, {js(histogram)})") == pytest.approx(0.25 * 10 * 4)


def test_images_are_chosen_by_spans_and_one_by_one_and_stay_by_their_ids_in_another_list(call):
    script = """(() => {
        const chosen = new m.Chosen(), list = [..."abcdefg"], seen = [];
        const note = () => {
          const found = list.filter((id, at) => chosen.has(id, at)).join("");
          seen.push(found.length === chosen.size() ? found : `${found}, but ${chosen.size()}`);
        };
        chosen.toggle("b", 1); note();
        chosen.addSpan(1, 5); note();
        chosen.toggle("c", 2); note();
        chosen.addSpan(5, 6); note();
        chosen.removeSpan(3, 5); note();
        chosen.toggle("c", 2); note();
        seen.push(chosen.hasAll(1, 3), chosen.hasAll(1, 4));
        seen.push(chosen.relist(list.map((id) => (id === "f" ? undefined : { id }))));
        seen.push([...chosen.ids.keys()].join(""));
        return seen;
    })()"""
    expected = ["b", "bcde", "bde", "bdef", "bf", "bcf", True, False, 1, "bc"]
    assert call("ui/selection/chosen.js", script) == expected


def test_filters_are_put_into_words_and_one_end_of_a_range_is_changed(call):
    filters = "ui/filters/filter_text.js"
    given = [
        {"column": "modified", "low": "2024-01-01", "high": "2024-12-31"},
        {"column": "bytes", "low": "100"},
        {"column": "image_size", "high": "9"},
        {"column": "label", "values": ["cat", "dog"]},
        {"column": "path", "contains": "beach"},
    ]
    assert call(filters, f"{js(given)}.map(m.filterText)") == [
        "Changed: 2024-01-01 to 2024-12-31",
        "Size in bytes: from 100",
        "Image size: up to 9",
        "Label: cat, dog",
        "File contains “beach”",
    ]
    assert call(filters, "m.withEnd({ low: '1', high: '5' }, 'high', '9')") == {"low": "1", "high": "9"}
    assert call(filters, "m.withEnd({ low: '1', high: '5' }, 'low', '')") == {"high": "5"}
    assert call(filters, "m.withEnd({ low: '1' }, 'low', '')") is None
    assert call(filters, "m.replaced([{ column: 'a', low: '1' }, { column: 'b' }], 'a', null)") == [{"column": "b"}]


def test_the_bytes_of_a_heat_map_are_as_opaque_as_it_is_hot(call):
    pixels = call("ui/heat_map/heat_map.js", "m.heatPixels([[0, 0.5], [1, 0.2]])")
    assert len(pixels) == 4 * 4
    assert [pixels[i] for i in (3, 7, 11, 15)] == [0, 113, 225, 45]
    assert pixels[0:3] == pixels[4:7]


def test_the_state_of_a_collection_is_told(call):
    state = "ui/header/state_text.js"
    states = [
        ({"searchable": 12}, ("good", "12 images, up to date")),
        ({"searchable": 12, "passedOver": 3}, ("good", "12 images, up to date · 3 files passed over")),
        ({"searchable": 1, "passedOver": 1}, ("good", "1 image, up to date · 1 file passed over")),
        (
            {"searchable": 9, "offline": 2, "passedOver": 1},
            ("good", "9 images, up to date · 2 offline · 1 file passed over"),
        ),
        ({"error": "broken", "searchable": 1}, ("bad", "needs attention")),
        ({"searchable": 5, "job": {"state": "running", "total": 1200}}, ("busy", "5 of 1,200 searchable")),
        ({"searchable": 5, "job": {"state": "done", "total": 9}}, ("good", "5 images, up to date")),
        ({"searchable": 0, "job": {"state": "running"}, "encoder": {"state": "ready"}}, ("busy", "looking for images")),
        ({"searchable": 1, "encoder": {"state": "loading"}}, ("busy", "1 image · loading the encoder")),
    ]
    for given, expected in states:
        told = call(state, f"m.stateText({js(given)})")
        assert (told["kind"], told["text"]) == expected
    assert call(state, "m.progress({ job: { total: 200 }, searchable: 50 })") == 25
    assert call(state, "m.progress({ searchable: 50 })") == 0


def test_new_weights_and_a_better_model_are_offered_with_what_they_take(call):
    def text(**offer):
        return call(
            "ui/header/offer.js", f"m.offerText({js({'replaces': '', 'bytes': 598e6, 'seconds': 240} | offer)})"
        )

    better = text(name="ViT-B-16/x", images=2300)
    assert better == "Better answers with ViT-B-16/x: 598.0 MB, about 4 min for your 2,300 images."
    newer = text(name="starter", replaces="starter-1", bytes=0, seconds=60, images=75)
    assert "embedded with starter-1" in newer and "about 60 s for your 75 images, nothing to download" in newer


def test_a_search_is_written_into_an_address_and_read_back(call):
    query = {
        "q": "red + 2:blue",
        "like": [{"id": "3", "sign": 1}, {"id": "4", "sign": -1}],
        "images": [],
        "k": 120,
        "filters": [{"column": "label", "values": ["a&b", "c"]}],
        "order": "newest",
        "threshold": 1.24,
        "collapse": "similar",
        "group": "folder",
        "scope": "all",
    }
    address = "tabs/search/address.js"
    script = f"m.readQuery(m.queryAddress({js(query)}, 'my photos', new URLSearchParams('__theme=dark')), [])"
    assert call(address, script) == query
    written = call(address, f"String(m.queryAddress({js(query)}, '', new URLSearchParams()))")
    assert "collection" not in written and "__theme" not in written and "like=-4" in written


@pytest.mark.parametrize(
    ("address", "field", "value"),
    [
        ("k=-3", "k", 60),
        ("k=99999", "k", 1200),
        ("filters=%5B%7B", "filters", []),
        ("filters=%7B%7D", "filters", []),
        ("order=sideways", "order", "best"),
        ("threshold=off", "threshold", "off"),
        ("line=0.5", "threshold", 0.5),
        ("sort=oldest", "order", "oldest"),
        ("", "threshold", "auto"),
        ("collapse=none", "collapse", "none"),
        ("collapse=all", "collapse", "same"),
        ("group=colour", "group", "auto"),
    ],
)
def test_an_address_that_makes_no_sense_is_read_as_far_as_it_does(call, address, field, value):
    read = call("tabs/search/address.js", f"m.readQuery(new URLSearchParams({js(address)}), [])")
    assert read[field] == value


def test_bars_compare_scores_with_those_of_the_page_and_normalised_ones_with_the_best(call):
    results = "tabs/search/results.js"
    scale = call(results, "m.scoreRange([{ score: 0.3 }, { score: 0.2 }, { score: 0.1 }])")
    assert scale["high"] == pytest.approx(0.3)
    assert scale["low"] == pytest.approx(0.1 - 0.15 * 0.2, abs=1e-5)
    plain = {**scale, "threshold": {"shown": False}}
    share = call(results, f"m.barShare({{ score: 0.2 }}, {js(plain)})")
    assert share == pytest.approx((0.2 - scale["low"]) / (0.3 - scale["low"]))
    assert call(results, f"m.barShare({{ score: null }}, {js(plain)})") is None
    shown = {**scale, "threshold": {"shown": True, "best": 2.0}}
    hits = [{"score": 0, "normalised_score": value} for value in (1.0, -1.0, 3.0)]
    assert call(results, f"{js(hits)}.map((hit) => m.barShare(hit, {js(shown)}))") == [0.5, 0, 1]


def test_the_line_stands_once_between_likely_results_and_the_rest(call):
    script = (
        """((results) => results.hits.map((hit, i) => m.endsLikely(hit, i ? results.hits[i - 1] : null, results)))"""
    )
    results = "tabs/search/results.js"

    def lines(likely: int | None, *flags: bool) -> list[int]:
        given = {"likely": likely, "hits": [{"likely": flag} for flag in flags]}
        return [i for i, line in enumerate(call(results, f"{script}({js(given)})")) if line]

    assert lines(2, True, True, False, False) == [2]
    assert lines(5, False, False) == [0]  # another page of results, whose likely ones were on the first
    assert lines(0, False, False) == []
    assert lines(None, False, False) == []


def test_the_status_says_how_many_results_there_are_and_why_there_may_be_none(call):
    status = "tabs/search/status.js"
    results = {"hits": [{}] * 60, "total": 1500, "matching": 400, "likely": 12, "milliseconds": 3.4}
    assert call(status, f"m.statusText({js(results)}, {{ filters: [1] }}, false)") == {
        "lead": "12 likely",
        "rest": " · 60 shown of 400 filtered of 1,500 images · 3 ms",
    }
    told = call(status, f"m.statusText({js(results | {'likely': None})}, {{ filters: [] }}, true)")
    assert told == {"lead": "60", "rest": " of 1,500 images indexed so far · 3 ms"}
    assert call(status, f"m.remaining({js(results)}, 60, 1200)") == 340
    assert call(status, f"m.remaining({js(results)}, 120, 1200)") == 0  # fewer came than were asked for
    copied = results | {"distinct": 390}
    assert call(status, f"m.statusText({js(copied)}, {{ filters: [] }}, false)")["rest"] == (
        " · 60 shown of 1,500 images, 10 of them copies · 3 ms"
    )
    assert call(status, f"m.remaining({js(copied)}, 60, 1200)") == 330
    nothing = {"hits": [{}], "likely": 0, "threshold": {"best": 0.4}}
    query = js({"q": "cat + sea - dog", "filters": []})
    assert "looks like “cat, sea”" in call(status, f"m.emptyText({js(nothing)}, {query})")
    near = nothing | {"threshold": {"best": 0.9}}
    assert "stands out clearly" in call(status, f"m.emptyText({js(near)}, {query})")
    assert call(status, f"m.emptyText({js(nothing | {'likely': 3})}, {query})") is None
    filtered = js({"q": "cat", "filters": [1]})
    assert "of the filtered images looks like “cat”" in call(status, f"m.emptyText({js(nothing)}, {filtered})")
    without = call(status, f"m.emptyText({js(nothing)}, {js({'q': '- dog', 'filters': []})})")
    assert "“”" not in without and "leaves out" in without
    assert call(status, "m.outsideText(1)") == "1 image outside the filters is likely. "
    assert call(status, "m.outsideText(2)") == "2 images outside the filters are likely. "


@pytest.mark.parametrize(
    ("calibration", "badge", "said", "unsaid"),
    [
        ({"labels": 24, "known": 24, "covered": 4}, "calibrated on 24 labels", "four fifths are right", "classes"),
        ({"labels": 24, "known": 24, "covered": 2}, "2 of the 4 classes", "was not checked", "four fifths"),
        ({"labels": 0, "known": 0, "covered": 0}, "not calibrated", "there are no labels", "four fifths"),
        ({"labels": 0, "known": 3, "covered": 2}, "not calibrated", "and there are 3. Label and", "no labels"),
        ({"labels": 0, "known": 24, "covered": 2}, "not calibrated", "calibrate under Review", "needs 20"),
        ({"labels": 24, "known": 24, "covered": 4, "after": 0.3}, "calibrated on 24", "did not help", "fifths"),
        ({"labels": 0, "known": 24, "covered": 2, "kind": "unscaled"}, "not calibrated", "how confident", "Calibrate"),
    ],
)
def test_calibration_claims_only_what_was_checked(call, calibration, badge, said, unsaid):
    fields = {"kind": "calibrated", "before": 0.2, "after": 0.1} | calibration
    told = call("tabs/classify/parts.js", f"m.calibrationText({js(fields)}, 4)")
    assert badge in told["badge"]
    assert said in told["reason"] and unsaid not in told["reason"]


def test_verdicts_of_one_image_name_the_first_class_and_its_lead(call):
    bars = [{"name": "cat", "probability": 0.7}, {"name": "dog", "probability": 0.2}]
    verdict = "tabs/classify/verdict.js"
    told = call(verdict, f"m.verdict({{ bars: {js(bars)}, independent: false }})")
    assert told == {"title": "cat", "detail": "70.0\u2009%, 50.0\u2009points ahead of dog"}
    each = [{"name": "cat", "probability": 0.9}, {"name": "sea", "probability": 0.6}, {"name": "x", "probability": 0.1}]
    told = call(verdict, f"m.verdict({{ bars: {js(each)}, independent: true }})")
    assert told["title"] == "cat, sea" and told["detail"].startswith("2 of 3 classes")
    none = [{"name": "none", "none": True, "probability": 1}]
    assert call(verdict, f"m.verdict({{ bars: {js(none)}, independent: false }})")["title"] == "None of these"


def test_keys_of_the_review_choose_accept_undo_and_skip(call):
    script = "['3', 'Enter', 'U', 's', '0', 'r', 'c', 'x'].map((key) => m.actionOf(key, false))"
    assert call("tabs/classify/review_keys.js", script) == [
        {"name": "choose", "argument": 2},
        {"name": "accept"},
        {"name": "undo"},
        {"name": "skip"},
        {"name": "none"},
        {"name": "runnerUp"},
        {"name": "type"},
        None,
    ]
    assert call("tabs/classify/review_keys.js", "m.actionOf('Enter', true)") is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dog", [1, 0, 3]),  # the whole name, then what begins so, then what has it inside
        ("Dog ", [1, 0, 3]),
        ("do", [0, 1, 3, "do"]),
        ("none", [4, "none"]),
        ("none of these", [4]),
        ("fox", ["fox"]),
        ("", [0, 1, 2, 3, 4]),
    ],
)
def test_what_is_typed_in_the_review_is_a_class_none_of_them_or_a_new_one(call, typed, meant):
    names = ["dog house", "dog", "cat", "hot dog"]
    classes = [{"name": name, "answer": k} for k, name in reversed(list(enumerate(names)))]
    found = call("tabs/classify/class_field.js", f"m.meanings({js(classes)}, {js(typed)})")
    assert [one.get("answer", one.get("name")) for one in found] == meant


def test_templates_are_ranked_by_accuracy_where_labels_are_known_and_by_agreement_where_not(call):
    effects = [
        {"template": "a", "known": 10, "right": 6, "agrees": 0.9, "without_right": 8},
        {"template": "b", "known": 10, "right": 8, "agrees": 0.5, "without_right": None},
    ]
    templates = "tabs/classify/templates.js"
    ranked = call(templates, f"m.rankedEffects({js(effects)}, {{ value: 0.7 }})")
    assert [one["template"] for one in ranked] == ["b", "a"]
    assert ranked[1]["change"] == pytest.approx(8 / 10 - 0.7) and ranked[0]["change"] is None
    unknown = [effect | {"known": 0, "without_right": None} for effect in effects]
    assert [one["template"] for one in call(templates, f"m.rankedEffects({js(unknown)}, undefined)")] == ["a", "b"]


def test_jobs_and_collections_are_put_into_words(call):
    texts, jobs = "tabs/collections/texts.js", "ui/jobs/job_text.js"
    job = {"state": "running", "done": 50, "total": 1200, "rate": 31.4, "left": 200, "failed": 2}
    assert call(jobs, f"m.pace({js(job)})") == "50 of 1,200, 31 a second, about 3 min left, 2 unreadable"
    assert call(jobs, "m.pace({ total: 0 })") == "looking for images"
    assert call(jobs, "m.pace({ total: 0, note: 'loading the encoder' })") == "loading the encoder"
    for state, title in (("running", "Indexing trip"), ("done", "Indexed trip"), ("failed", "Not indexed: trip")):
        assert call(jobs, f"m.jobTitle({{ kind: 'index', name: 'trip', state: '{state}' }})") == title
    embedding = {"kind": "reencode", "name": "trip", "encoder": "zoo/simclr", "state": "running"}
    assert call(jobs, f"m.jobTitle({js(embedding)})") == "Embedding trip with zoo/simclr"
    fetched = {"kind": "get", "state": "running", "done": 2_000_000, "total": 8_000_000, "rate": 500_000, "left": 12}
    assert call(jobs, f"m.jobText({js(fetched)})") == "2.0 MB of 8.0 MB, 500 kB a second, about 12 s left"
    card = {"encoder": "starter", "dim": 384, "precision": "float16"}
    assert call(texts, f"m.encoderText({js(card)})") == "starter, 384-dimensional embeddings in float16"
    facts = {"images": 2, "bytes": 4_000_000, "search": "flat, recall 1.000"}
    assert call(texts, f"m.facts({js(facts)})") == "2 images · 4.0 MB · search: flat, recall 1.000"


def test_schemas_of_the_api_are_put_into_words(call):
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/Hit"}, "maxItems": 1000}
    words = "ui/api_docs/schema.js"
    assert call(words, f"m.describe({js(schema)})") == "list of Hit · 1,000 entries at most"
    assert call(words, "m.typeOf({ anyOf: [{ type: 'string' }, { type: 'null' }] })") == "string or null"
    schemas = {
        "Query": {"properties": {"q": {"default": "dog"}, "like": {"type": "array"}, "name": {"type": "string"}}}
    }
    given = f"m.example({{ $ref: '#/components/schemas/Query' }}, {js(schemas)})"
    assert call(words, given) == {"q": "dog", "like": [], "name": ""}


def test_a_file_picker_offers_every_format_that_is_read(call):
    accept = call("ui/upload/upload.js", "m.filePicker('Choose', () => 0).accept").split(",")
    assert accept[0] == "image/*" and set(accept[1:]) == set(IMAGES)
    take = "(files) => files.forEach(({ name }) => taken.push(name))"
    taken = f"const taken = []; const field = m.filePicker('Choose', {take});"
    chosen = "const data = new DataTransfer(); data.items.add(new File(['x'], 'a.CR3')); field.files = data.files;"
    sent = f"(() => {{ {taken} {chosen} field.dispatchEvent(new Event('change')); return [taken, field.value]; }})()"
    assert call("ui/upload/upload.js", sent) == [["a.CR3"], ""]
    files = "[new File(['x'], 'a.txt', { type: 'text/plain' }), new File(['x'], 'IMG_1.HEIC')]"
    assert call("ui/upload/upload.js", f"m.pasted({{ clipboardData: {{ files: {files} }} }}).map((f) => f.name)") == [
        "IMG_1.HEIC"
    ]
    assert not [path for path, asset in ASSETS.items() if b'accept: "image/' in asset.content]


def test_only_a_page_for_this_computer_offers_originals(call):
    kinds = "m.exportKinds().map(([, kind]) => kind)"
    local = "import('/ui/session/session.js')"
    with_state = "{}.then((s) => {{ s.session.state = {{ local: {} }}; return {}; }})"
    assert call("ui/selection/download.js", with_state.format(local, "false", kinds)) == ["csv", "json", "txt", "zip"]
    assert call("ui/selection/download.js", with_state.format(local, "true", kinds))[-1] == "originals"


def test_the_address_of_a_thumbnail_has_the_number_of_the_open_collections_thumbnails(call):
    state = "m.session.state = { collection: 'a b', thumbnails: 3 }"
    assert call("ui/session/session.js", f"({state}, m.media('a b', '01'))") == "media/a%20b/01.webp?v=3"
    assert call("ui/session/session.js", f"({state}, m.media('other', '01'))") == "media/other/01.webp"
    assert call("ui/session/session.js", "(m.session.state = null, m.media('other', '01'))") == "media/other/01.webp"


LOOK = {"least": 100, "gap": 10, "between": 20, "below": 30}  # of a grid, in pixels


def test_a_grid_is_laid_out_in_rows_that_fill_its_width(call):
    sections = [{"count": 7, "head": 0}, {"count": 0, "head": 50}, {"count": 4, "head": 50}]
    layout = call("ui/grid/layout.js", f"m.layOut({js(sections)}, 430, {js(LOOK)})")
    assert (layout["columns"], layout["side"], layout["count"]) == (4, 100, 11)
    step = 100 + 30 + 20
    assert [one["top"] for one in layout["sections"]] == [0, 2 * step, 2 * step + 50]
    assert layout["height"] == 2 * step + 50 + 50 + step - 20
    narrow = call("ui/grid/layout.js", f"m.layOut({js(sections)}, 60, {js(LOOK)})")
    assert (narrow["columns"], narrow["side"]) == (1, 60)


def test_the_rows_in_sight_are_those_that_a_slow_search_finds(call):
    counts = [5, 1, 0, 12, 3]
    sections = [{"count": count, "head": 40 if at else 0} for at, count in enumerate(counts)]
    script = f"((layout) => [layout, m.between(layout, FROM, TO)])(m.layOut({js(sections)}, 430, {js(LOOK)}))"
    every = call("ui/grid/layout.js", script.replace("FROM", "-1e9").replace("TO", "1e9"))[1]["rows"]
    assert [row["count"] for row in every] == [4, 1, 1, 4, 4, 4, 3]
    assert [row["first"] for row in every] == [0, 4, 5, 6, 10, 14, 18]
    for start, end in ((-500, -300), (0, 0), (0, 149), (100, 420), (390, 700), (800, 5000), (5000, 9000)):
        found = call("ui/grid/layout.js", script.replace("FROM", str(start)).replace("TO", str(end)))[1]["rows"]
        expected = [row for row in every if row["top"] + 150 > start and row["top"] <= end]
        assert found == expected, (start, end)


def test_arrows_go_up_and_down_through_sections_and_places_are_found_again(call):
    sections = [{"count": count, "head": 40} for count in (5, 0, 1, 6)]
    lay = f"((layout) => EXPRESSION)(m.layOut({js(sections)}, 430, {js(LOOK)}))"

    def found(expression):
        return call("ui/grid/layout.js", lay.replace("EXPRESSION", expression))

    down = found("Array.from({ length: 12 }, (_, at) => m.vertically(layout, at, 1))")
    assert down == [4, 4, 4, 4, 5, 6, 10, 11, 11, 11, None, None]
    up = found("Array.from({ length: 12 }, (_, at) => m.vertically(layout, at, -1))")
    assert up == [None, None, None, None, 0, 4, 5, 5, 5, 5, 6, 7]
    tops = found("Array.from({ length: 12 }, (_, at) => m.indexAt(layout, m.placeOf(layout, at).top))")
    assert tops == [0, 0, 0, 0, 4, 5, 6, 6, 6, 6, 10, 10]


@pytest.mark.parametrize(
    ("key", "group", "name"),
    [
        ("2024-02-29", "day", "Thursday 29 February 2024"),
        ("2021-01-01", "day", "Friday 1 January 2021"),
        ("2021-12", "month", "December 2021"),
        ("", "day", "Without a date"),
        ("", "place", "Without a place"),
        ("", "folder", "The folder itself"),
        ("Trips/Rome", "folder", "Trips/Rome"),
    ],
)
def test_a_group_is_called_as_people_call_it(call, key, group, name):
    assert call("ui/scrubber/spans.js", f"m.spanName({js(key)}, {js(group)})").replace(",", "") == name


def test_days_are_gathered_into_months_and_years_keep_a_distance(call):
    keys, counts = ["2021-03-09", "2021-03-01", "2021-02-28", "2020-12-31", "2019-01-01", ""], [1, 2, 3, 4, 5, 6]
    layout = {"sections": [{"top": 100 * at, "first": sum(counts[:at])} for at in range(6)]}
    months = call("ui/scrubber/spans.js", f"m.monthsOf({js(keys)}, {js(counts)}, {js(layout)})")
    assert [(month["key"], month["count"], month["top"]) for month in months] == [
        ("2021-03", 3, 0),
        ("2021-02", 3, 200),
        ("2020-12", 4, 300),
        ("2019-01", 5, 400),
        ("", 6, 500),
    ]
    years = call("ui/scrubber/spans.js", f"m.yearsOf({js(months)}, 600, 60, 12)")
    assert years == [{"year": "2021", "at": 0}, {"year": "2020", "at": 30}]
    at = call("ui/scrubber/spans.js", f"[-5, 0, 199, 250, 9999].map((y) => m.monthAt({js(months)}, y))")
    assert at == [0, 0, 1, 1, 4]


def test_an_image_is_shown_whole_and_zoomed_about_the_point_under_the_mouse(call):
    geometry, stage = "ui/viewer/geometry.js", {"width": 800, "height": 600}
    size = call(geometry, f"m.fitted({{ width: 4000, height: 2000 }}, {js(stage)})")
    assert size == {"width": 800, "height": 400}
    assert call(geometry, f"m.fitted({{ width: 40, height: 30 }}, {js(stage)})") == {"width": 640, "height": 480}
    view, at = {"scale": 2, "x": 30, "y": -10}, {"x": 100, "y": 50}
    after = call(geometry, f"m.zoomed({js(view)}, 1.5, {js(at)}, 8)")
    assert after["scale"] == 3
    for axis in ("x", "y"):  # the same point of the image lies under the mouse
        before_point = (at[axis] - view[axis]) / view["scale"]
        assert (at[axis] - after[axis]) / after["scale"] == pytest.approx(before_point)
    assert call(geometry, f"m.zoomed({js(view)}, 99, {js(at)}, 8).scale") == 8
    assert call(geometry, f"m.zoomed({js(view)}, 0.01, {js(at)}, 8).scale") == 1
    assert call(geometry, f"m.kept({{ scale: 2, x: 9999, y: -9999 }}, {js(size)}, {js(stage)})") == {
        "scale": 2,
        "x": 400,
        "y": -100,
    }
    assert call(geometry, f"m.kept({{ scale: 1, x: 5, y: 5 }}, {js(size)}, {js(stage)})") == {
        "scale": 1,
        "x": 0,
        "y": 0,
    }


def test_the_picture_has_at_least_as_many_pixels_as_the_screen(call):
    sides = "m.SIDES"
    assert call("ui/viewer/sides.js", sides) == list(SIDES)
    for pixels, side in ((1, SIDES[0]), (SIDES[0], SIDES[0]), (SIDES[0] + 1, SIDES[1]), (99_999, SIDES[-1])):
        assert call("ui/viewer/geometry.js", f"m.sideFor({pixels}, {js(SIDES)})") == side


def test_the_export_menu_stays_while_the_same_results_are_drawn_again(call):
    query = "{ q: 'red', like: [], images: [], filters: [], order: 'best', collapse: 'same' }"
    results = "{ collection: 'colours', hits: [{}, {}] }"
    drawn = f"""(() => {{
      const menu = m.exportMenu(), first = (menu.show({query}, {results}), menu.root.firstChild);
      const again = (menu.show({query}, {results}), menu.root.firstChild);
      const other = (menu.show({{ ...{query}, q: 'blue' }}, {results}), menu.root.firstChild);
      return [first === again, again === other];
    }})()"""
    assert call("tabs/search/export.js", drawn) == [True, False]


def test_a_call_of_the_api_reaches_the_program_as_it_is_whatever_the_texts_hold(call):
    odd = ['it\'s "quoted" and $HOME `id` \\ !', "two\nlines, größe 大小 🍦", "-x;y|z&*?[a] ~ #", ""]
    command = call("ui/command/command.js", f"m.apiCommand('probe', {js(odd)}, 'http://here:1/sub/?q=1')")
    done = subprocess.run(["bash", "-c", f"curl() {{ printf '%s\\0' \"$@\"; }}; {command}"], capture_output=True)
    words = done.stdout.decode().split("\0")[:-1]
    assert words[1] == "http://here:1/sub/api/v1/probe" and json.loads(words[-1]) == odd
