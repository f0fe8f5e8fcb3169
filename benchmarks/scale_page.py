"""The figures of docs/scale.md: what was measured, and what follows from it for 1e8 and 5e9 images.

    python benchmarks/scale_page.py

Reads the newest stored results and rewrites what lies between the markers of the page, so that no figure there is older
than its measurement. What is assumed and not measured has a name here and is said on the page.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS, PAGE = Path(__file__).parent / "results", Path(__file__).parent.parent / "docs/scale.md"
SIZES = {"1e8": 1e8, "5e9": 5e9}
DIM = 512
THUMBNAIL = 8_000  # bytes, of photographs: assumed
SEGMENT = 100_000  # images, of the command on the page
GPU_RATES = (1000, 3000)  # images per second of one GPU with enough cores: assumed
MACHINES = 100  # of two cores
RAM = 64e9  # bytes of a machine that serves a part of 5e9 images: assumed


def stored(name: str) -> dict[str, Any]:
    """A stored result; empty where it was not measured yet."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def size(count: float) -> str:
    """Bytes as people write them."""
    unit = next(
        unit for unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1, "bytes")) if count >= unit[0]
    )
    return f"{count / unit[0]:.3g} {unit[1]}"


def duration(seconds: float) -> str:
    for most, each, name in ((120, 1, "s"), (7200, 60, "min"), (96 * 3600, 3600, "h"), (700 * 86400, 86400, "days")):
        if seconds < most:
            return f"{seconds / each:.2g} {name}"
    return f"{seconds / (365 * 86400):.2g} years"


def measured() -> str:
    """A collection as builds publish it, by benchmarks/scale.py."""
    found = stored("scale")
    sizes = (found["bytes_a_vector"], found["bytes_a_row"], found["manifest_bytes_a_segment"])
    rows = [
        ["open the collection", f"{found['open_seconds']:.2f} s, {found['open_megabytes']:.0f} MB of memory"],
        ["read one row", f"{found['first_record_seconds'] * 1000:.0f} ms"],
        ["first filter by a column", f"{found['first_filter_seconds']:.2f} s"],
        ["first look-up of an image by its id", f"{found['first_id_seconds']:.2f} s"],
        ["memory after these steps", f"{found['columns_megabytes']:.0f} MB more than an empty process"],
        ["publish a segment of 10,000", f"{found['publish_seconds_a_segment']:.2f} s"],
        ["verify", f"{found['verify_rows_a_second']:,.0f} rows per second"],
        [
            "bytes per vector, per row, and per segment in the manifest",
            "{:,.0f}, {:,.0f}, {:,.0f}".format(*sizes),
        ],
    ]
    head = f"{found['rows']:,.0f} vectors of {DIM} dimensions, {found['cores']:.0f} cores, {found['processor']}"
    return table([head, ""], rows)


def structures() -> str:
    """Search structures of drawn vectors, by benchmarks/large.py."""
    rows = [
        [name, *_structure(of)]
        for name, of in sorted(stored("large").items(), key=lambda item: _rows(item[0]))
        if "make" in of or "open" in of
    ]
    head = ["drawn vectors", "opened", "structure", "made in", "text query, median and p95", "recall@10", "memory"]
    return table([*head, "10,000 more"], rows)


def _rows(name: str) -> int:
    return int(name.split(" x ")[0].replace(",", ""))


def _structure(of: dict[str, Any]) -> list[str]:
    """The cells of one size; what was not measured is a dash."""
    made, search, added = (of.get(step, {}) for step in ("make", "search", "add"))
    words, images, opened = search.get("words", {}), search.get("images", {}), of.get("open", {})
    held = search.get("memory_after_searches")
    more = added.get("publish_seconds", opened.get("publish_10000_more_s"))
    opening = search.get("collection_opened_s", opened.get("open_s"))
    return [
        "–" if opening is None else f"{opening + search.get('structure_opened_s', 0):.2f} s",
        f"{made['kind']}, {made['lists']:,} lists, {size(made['bytes'])}" if made else "–",
        f"{duration(made['build_seconds'])}, {made['build_peak_mb']:,} MB" if made else "–",
        f"{words['ms_median']:.1f}, {words['ms_p95']:.1f} ms; {words['cpu_ms']:.1f} ms CPU" if words else "–",
        f"texts {words['recall_at_10']:.3f}, images {images['recall_at_10']:.3f}" if words else "–",
        f"{held['own_mb']} MB and {held['mapped_mb']} MB of files" if held else "–",
        "–" if more is None else f"{more:.1f} s" + (f", {added['structure_seconds']:.1f} s" if added else ""),
    ]


def disk() -> str:
    found = stored("scale")
    each = {
        f"vectors, {found['bytes_a_vector']:,.0f} bytes each": found["bytes_a_vector"],
        f"rows, {found['bytes_a_row']:,.0f} bytes each": found["bytes_a_row"],
        f"thumbnails, {THUMBNAIL / 1000:.0f} KB each (assumed)": THUMBNAIL,
    }
    rows = [[name, *(size(count * bytes) for count in SIZES.values())] for name, bytes in each.items()]
    segments = [count / SEGMENT for count in SIZES.values()]
    of_manifest = found["manifest_bytes_a_segment"]
    rows.append([f"segments of {SEGMENT:,}", *(f"{count:,.0f}" for count in segments)])
    rows.append(["manifest", *(size(count * of_manifest) for count in segments)])
    rows.append(["manifests written over the whole build", *(size(of_manifest * n * n / 2) for n in segments)])
    return table(["", *(f"{name} images, d = {DIM}" for name in SIZES)], rows)


def time() -> str:
    """Hours by the rates of two cores and of GPUs, and what the publishing process takes."""
    rates = {
        f"`starter`, photographs of 0.2 megapixels, {MACHINES} machines of two cores": (
            MACHINES * stored("build")["starter"]["images_per_second"]
        ),
        f"ViT-B-32, the same, {MACHINES} machines": MACHINES * _rival("gelato, ViT-B-32"),
        f"`starter`, JPEG of 12 megapixels, {MACHINES} machines": MACHINES * _camera("gelato, starter"),
    }
    for rate in GPU_RATES:
        rates |= {f"one GPU at {rate:,} images per second (assumed)": rate, f"64 of them at {rate:,}": 64 * rate}
    rates["publishing, one process"] = 10_000 / stored("scale")["publish_seconds_a_segment"]
    rates["`verify`, one process"] = stored("scale")["verify_rows_a_second"]
    rows = [
        [name, f"{rate:,.0f}", *(duration(count / rate) for count in SIZES.values())] for name, rate in rates.items()
    ]
    return table(["", "images per second", *SIZES], rows)


def _rival(name: str) -> float:
    return stored("rivals")[name]["working"]


def _camera(name: str) -> float:
    runs = sorted(run["working"] for run in stored("camera_files")["JPEG"]["runs"][name])
    return runs[len(runs) // 2]


def planning() -> str:
    """Memory of a build by its slope over the sizes that were measured."""
    rows = stored("memory")["rows"]
    slope = 1e6 * (rows[-1]["peak_mb"] - rows[0]["peak_mb"]) / (rows[-1]["rows"] - rows[0]["rows"])
    found = " and ".join(f"{size(slope * count)} for {name}" for name, count in SIZES.items())
    return f"A whole build uses {slope / 1000:.1f} KB per image (`benchmarks/memory.py`), which is {found} images."


def search() -> str:
    """Codes, and the time that scanning them takes, by the largest collection that was searched."""
    done = {name: of for name, of in stored("large").items() if "search" in of}
    name = max(done, key=_rows)
    of, made = done[name], done[name]["make"]
    rows_there, bytes_a_row = made["images"], made["bytes"] / made["images"]
    cpu = of["search"]["words"]["cpu_ms"]
    lines = []
    for label, count in SIZES.items():
        codes = count * bytes_a_row
        share = f"{duration(cpu / 1000 * count / rows_there)} of processor time"
        machines = max(1, round(codes / (RAM / 2)))
        where = "one machine" if machines == 1 else f"{machines} machines of {size(RAM)}, results merged: not built"
        lines.append([label, size(codes), size(count * 2 * DIM), share, where])
    head = ["images", f"codes, {bytes_a_row:.0f} bytes each", "vectors on SSD", "a text query", "served by"]
    return f"As measured with {name}, a query taking as many times longer as there are images:\n\n" + table(head, lines)


def cluster() -> str:
    """What was lost when parts of a Ray cluster failed, and images per second by workers."""
    found = stored("cluster")
    rows = [
        [name, f"{of['images']:,}", str(of["rows_lost"]), str(of["rows_changed"]), f"{of['seconds']:.0f} s", _also(of)]
        for name, of in found.get("faults", {}).items()
    ]
    faults = table(["fault", "images", "rows lost", "rows changed", "build", ""], rows)
    workers = [
        [
            count,
            f"{of['images_per_second']:.1f}",
            f"{of['ideal']:.0f} ({of['images_per_second'] / of['ideal']:.0%} reached)",
            f"{of['publisher_cpu_ms_an_image']:.1f} ms",
            size(of["bytes_an_image"]),
        ]
        for count, of in found.get("workers", {}).items()
    ]
    head = ["workers", "images per second", "ideal", "CPU of the publishing process, an image", "written, an image"]
    return faults + ("\n\n" + table(head, workers) if workers else "")


def _also(of: dict[str, Any]) -> str:
    """What else is known of a trial."""
    if "answers_failed" in of:
        attempts = f", {of['attempts']} attempts" if of.get("attempts", 1) > 1 else ""
        return f"{of['answers_failed']} of {of['answers']} answers failed{attempts}"
    return f"killed at {of['rows_when_killed']} rows" if "rows_when_killed" in of else ""


BLOCKS: dict[str, Callable[[], str]] = {
    "measured": measured,
    "structures": structures,
    "disk": disk,
    "time": time,
    "planning": planning,
    "search": search,
    "cluster": cluster,
}


def filled(page: str) -> str:
    """The page with every block between its markers."""
    for name, make in BLOCKS.items():
        found = re.search(rf"(<!-- {name}: .*? -->\n).*?(\n<!-- end of {name} -->)", page, re.DOTALL)
        if found is None:
            raise ValueError(f"{PAGE.name} has no markers of {name}")
        page = page[: found.start()] + found[1] + make() + found[2] + page[found.end() :]
    return page


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
