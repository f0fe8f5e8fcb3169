"""The stylesheets: each class is defined in one of them, and so no component changes the look of another."""

import re
from pathlib import Path

APP = Path(__file__).parent.parent / "app"
SHEETS = sorted(APP.rglob("*.css"))


def selectors(text: str) -> list[str]:
    """Every selector of a stylesheet, one by one; those inside @media too."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"@keyframes[^{]+\{(?:[^{}]*\{[^{}]*\})*\s*\}", "", text)
    heads = re.findall(r"([^{};]+)\{[^{}]*\}", text)
    return [one.strip() for head in heads for one in re.split(r",(?![^(]*\))", head)]


def definitions(text: str) -> set[str]:
    """The classes of ours that a stylesheet defines: those with a selector that names no other class of ours.

    `.g-menu summary` defines g-menu; `.g-panel .g-menu` and `#panel .g-menu` only say how a menu looks there.
    """
    named = [set(re.findall(r"\.(g-[\w-]+)", selector)) for selector in selectors(text) if "#" not in selector]
    return {name for names in named if len(names) == 1 for name in names}


def test_no_class_is_defined_in_two_stylesheets():
    owners: dict[str, list[str]] = {}
    for sheet in SHEETS:
        for name in definitions(sheet.read_text()):
            owners.setdefault(name, []).append(sheet.relative_to(APP).as_posix())
    assert {name: sheets for name, sheets in owners.items() if len(sheets) > 1} == {}


def test_a_component_defines_only_classes_of_its_own_prefix():
    """base.css and elements.css are everybody's; `g-map-...` belongs to map.css alone."""
    strays = [
        (sheet.relative_to(APP).as_posix(), name)
        for sheet in SHEETS
        if sheet.stem not in ("base", "elements")
        for name in sorted(definitions(sheet.read_text()))
        if not name.startswith(f"g-{sheet.stem.replace('_', '-')}")
    ]
    assert strays == []


def test_a_tab_styles_another_components_class_only_inside_its_own():
    """The first class of ours in a selector belongs to the stylesheet, or the selector begins with one of its ids."""
    owners = {name: sheet for sheet in SHEETS for name in definitions(sheet.read_text())}
    strays = [
        (sheet.relative_to(APP).as_posix(), selector)
        for sheet in SHEETS
        if sheet.is_relative_to(APP / "tabs")
        for selector in selectors(sheet.read_text())
        if (names := re.findall(r"\.(g-[\w-]+)", selector)) and owners.get(names[0], sheet) != sheet
        if not selector.startswith("#")
    ]
    assert strays == []


def test_selectors_are_read_from_rules_inside_media_and_with_lists():
    text = "/* .g-no {} */ .g-a, .g-b :is(th, td) { x: y } @media (x) { .g-c { x: y } } @keyframes k { 50% { o: 1 } }"
    assert selectors(text) == [".g-a", ".g-b :is(th, td)", ".g-c"]
    assert definitions(".g-a .g-b { } .g-c i { } .g-d.g-e { }") == {"g-c"}


def test_rules_inside_media_queries_survive_what_gradio_makes_of_them():
    """Gradio puts `.gradio-container .contain ` before them, and before what follows a comma inside parentheses."""
    broken = []
    for sheet in SHEETS:
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
        for block in re.findall(r"@media[^{]+\{((?:[^{}]*\{[^{}]*\})*)\s*\}", text):
            heads = re.findall(r"([^{};]+)\{[^{}]*\}", block)
            broken += [
                (sheet.name, head.strip())
                for head in heads
                if ".gradio-container" in head or re.search(r"\([^)]*,", head)
            ]
    assert broken == []


def test_motion_can_be_reduced_everywhere():
    """One rule ends all transitions and animations of stylesheets; scripts that move things ask for the setting."""
    base = (APP / "ui/base.css").read_text()
    reduced = base[base.index("@media (prefers-reduced-motion: reduce)") :]
    assert "*, *::before, *::after { animation: none !important; transition: none !important; }" in reduced
    insisting = [
        sheet.name for sheet in SHEETS if re.search(r"(animation|transition)[^;}]*!important", sheet.read_text())
    ]
    assert insisting == ["base.css"]
    moving = re.compile(r"""behavior: (?!"(auto|instant)")|\.animate\(|startViewTransition""")
    careless = [
        script.relative_to(APP).as_posix()
        for script in sorted(APP.rglob("*.js"))
        if moving.search(text := script.read_text(encoding="utf-8")) and "prefers-reduced-motion" not in text
    ]
    assert careless == []
