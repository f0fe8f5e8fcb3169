"""Rows of the table of benchmarks/README.md: what people wait for on the page."""

from typing import Any

from benchmarks.cells import machine_of, seconds


def _load_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    """Response times with 20 users. busy: the number of running processes, those of the benchmark included."""
    on, by, limits = f"{stored['cores']} cores", "`load.py`", stored["limits"]

    def row(what: str, figure: dict[str, Any], meant: str, busy: float) -> tuple[str, ...]:
        reached = f"p50 {figure['p50']:,.0f} ms, p95 {figure['p95']:,.0f} ms"
        return (what, reached, meant, f"{on}, {busy:.0f} busy", by)

    api, page, typed, start, gradio = (stored[part] for part in ("api", "page", "typed", "start", "gradio"))
    people = f"{stored['users']} users, each searching {stored['images']:,} images every {stored['every']:.0f} s"
    rows = [
        row(f"{people}, through the API", api, f"p95 <= {limits['api_p95']} ms", api["busy"]),
        row("the same through the page: 19 clients", page["clients"], f"p95 <= {limits['page_p95']} ms", page["busy"]),
        row(
            "the same in one Chromium, in parallel with them",
            page["chromium"],
            f"p95 <= {limits['page_p95']} ms",
            page["busy"],
        ),
        row("a query typed on a warm page", typed, f"<= {limits['typed']} ms", typed["busy"]),
        row("the same, typed before the previous images have loaded", typed["at_once"], "-", typed["busy"]),
        (
            "overhead of Gradio in the typed query",
            f"{max(0, gradio['gradio_adds']):.1f} ms; the search itself {typed['server']['p50']:.0f} ms",
            "-",
            f"{on}, {gradio['busy']:.0f} busy",
            by,
        ),
        row(
            "time from the command to the first images in Chromium",
            start,
            f"<= {limits['start'] / 1000:.0f} s",
            start["busy"],
        ),
    ]
    if "memory" in stored:
        memory = stored["memory"]
        reached = f"{memory['megabytes'][2]:,.0f} MB to {memory['megabytes'][-1]:,.0f} MB"
        rows.append(
            (f"memory of the server from 2,000 to {memory['searches']:,} searches", reached, "constant", on, by)
        )
    return rows


def _relabel_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    on, by = f"{stored['cores']} cores", "`relabel.py`"
    meant = f"<= {stored['limit']:.0f} s"
    what = f"{stored['images']:,} images relabelled after one class name changed"
    modes = {name: run["changed"] for name, run in stored.items() if isinstance(run, dict) and "changed" in run}
    return [(f"{what}, {name}", seconds(changed), meant, on, by) for name, changed in modes.items()]


def _map_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    on, by, what = f"{stored['cores']} cores, {stored['busy']:.0f} busy", "`map.py`", f"map of {stored['images']:,}"
    rows = [
        (
            f"{what}, {hold}: time per frame",
            f"p50 {stored[hold]['p50']:.0f} ms, p95 {stored[hold]['p95']:.0f} ms "
            f"(JavaScript {stored[hold]['script_ms_a_move']:.0f} ms per event)",
            "p95 <= 50 ms",
            on,
            by,
        )
        for hold in ("pan", "zoom", "lasso", "hover")
    ]
    opened = f"{stored['first']['seconds']:.1f} s, with caches {stored['again']['seconds']:.1f} s"
    rows.append((f"{what}, time to open", opened, "-", on, by))
    held = stored["memory_mb"]
    memory = f"{held['scripts']:.0f} MB in the page, {held['server_grew']:.0f} MB in the server"
    return [*rows, (f"{what}, memory", memory, "-", on, by)]


def _choosing_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    """Median and 95th percentile of what a person waits for, in Chromium."""
    of = f"{stored['chosen']:,} of {stored['images']:,} images on the page"
    steps = (("choose", "select"), ("tag", "tag"), ("undo the tag of", "undo"))
    figures = ((what, stored[name]) for what, name in steps)
    return [
        (f"{what} {of}", f"p50 {one['p50']:.0f} ms, p95 {one['p95']:.0f} ms", "-", machine_of(stored), "`browse.py`")
        for what, one in figures
    ]


def _zoo_rows(stored: dict[str, Any]) -> list[tuple[str, ...]]:
    on, of = f"{stored['cores']} cores, load average {stored['busy']:.0f}", stored["before"]
    what = f"{stored['images']:,} images of the demo embedded with the {stored['encoders']} encoders of the zoo"
    wall, cpu = seconds(stored["after"]["wall"]), seconds(stored["after"]["cpu"])
    before = f"each encoder decoding for itself: {seconds(of['wall'])} and {seconds(of['cpu'])}"
    return [(what, f"{wall}, CPU {cpu}; {before}", "<= 60 s", on, "`zoo_demo.py`")]


PAGE = {
    "load": _load_rows,
    "relabel": _relabel_rows,
    "map": _map_rows,
    "choosing": _choosing_rows,
    "zoo_demo": _zoo_rows,
}
