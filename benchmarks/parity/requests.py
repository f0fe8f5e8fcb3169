"""The requests of benchmarks/parity: 60 queries and 12 class lists, in a form that belongs to no revision.

Images are named by their place in the collection sorted by path, so that no id is written down here. The
collections get tags and corrections first (`TAGS`, `CORRECTIONS`).
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

PHOTOS, CIFAR10, SCENES = "photos", "cifar10", "scenes"
LARGE = (2000, 1500)  # pixels: more than a server keeps of an uploaded image

# Tag to the images that have it, for each collection.
TAGS: Mapping[str, Mapping[str, range]] = {
    PHOTOS: {"for print": range(0, 200, 7), "seen, twice": range(3, 60, 3)},
    CIFAR10: {"checked": range(0, 5000, 50)},
    SCENES: {"checked": range(10, 400, 9)},
}
# Label to the images that a person gave it; "" is "none of these". At least 20 of a class list calibrate it.
CORRECTIONS: Mapping[str, Mapping[str, range]] = {
    PHOTOS: {"dog": range(60, 90, 2), "bird": range(1, 20, 2), "": range(150, 160)},
    SCENES: {"circle": range(5, 300, 30), "triangle": range(6, 300, 25)},
}


@dataclass(frozen=True, kw_only=True)
class Query:
    """One search. like and unlike: images of the collection. uploads: names of `drawn` images, or "preview:ROW".

    threshold: the normalised score from which a hit is likely, "on", "off", or None for the default. by_file: the
    text is the name of a file of the collection. likely: only the likely hits.
    """

    collection: str
    text: str = ""
    without: tuple[str, ...] = ()
    like: tuple[int, ...] = ()
    unlike: tuple[int, ...] = ()
    uploads: tuple[str, ...] = ()
    where: str = ""
    filters: tuple[Mapping[str, Any], ...] = ()
    order: str = "best"
    threshold: float | str | None = None
    k: int = 20
    offset: int = 0
    by_file: bool = False
    likely: bool = False

    @property
    def has_terms(self) -> bool:
        """Whether there is a text or an image; else the collection is listed."""
        return bool(self.text or self.without or self.like or self.unlike or self.uploads)

    @property
    def text_only(self) -> bool:
        """Whether the relevance threshold applies."""
        return self.has_terms and not (self.like or self.unlike or self.uploads or self.by_file)


@dataclass(frozen=True, kw_only=True)
class ClassList:
    """One labelling. classes: name to synonyms. images: those that are also labelled one at a time.

    literal: a name means something else when it is written as a line of text ("name: synonym"), so that only
    doors that take a list can be asked.
    """

    name: str
    collection: str
    classes: Mapping[str, tuple[str, ...]]
    templates: str | tuple[str, ...] = "photo"
    none: bool = False
    any: bool = False
    literal: bool = False
    images: tuple[int, ...] = (0, 41, 97, 150)
    upload: str = "disc"


@dataclass(frozen=True, kw_only=True)
class Example:
    """One example that the page makes: a "pair" of Probe, by kind."""

    what: str
    collection: str = PHOTOS
    number: int = 0
    kind: str = ""


def drawn(name: str) -> bytes:
    """A PNG that is always the same: "disc", a red disc on grey, or "large", shapes on LARGE pixels."""
    if name == "disc":
        image = Image.new("RGB", (300, 200), (120, 120, 120))
        ImageDraw.Draw(image).ellipse((90, 40, 210, 160), fill=(210, 30, 30))
    else:
        across = Image.linear_gradient("L").resize(LARGE)
        down = Image.linear_gradient("L").rotate(90).resize(LARGE)
        image = Image.merge("RGB", (across, down, Image.new("L", LARGE, 90)))
        pen = ImageDraw.Draw(image)
        for at in range(12):
            left, top = 140 * at + 30, (370 * at) % 1200
            pen.rectangle((left, top, left + 160, top + 190), fill=(20 * at, 255 - 20 * at, 40))
            pen.line((0, 120 * at, 1999, 1499 - 120 * at), fill=(255, 255, 240), width=3)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def one_of(column: str, *values: str) -> dict[str, Any]:
    return {"column": column, "values": list(values)}


def tagged(name: str) -> dict[str, Any]:
    return one_of("tags", name)


def between(column: str, low: float | str | None = None, high: float | str | None = None) -> dict[str, Any]:
    limits = {"low": low, "high": high}
    return {"column": column, **{end: value for end, value in limits.items() if value is not None}}


def contains(column: str, part: str) -> dict[str, Any]:
    return {"column": column, "contains": part}


LONG = "an old red car that is parked in front of a brick house with a green door on a sunny afternoon in autumn"

QUERIES: tuple[Query, ...] = (
    # Text.
    Query(collection=PHOTOS, text="a wolf"),
    Query(collection=PHOTOS, text="a bird on a branch"),
    Query(collection=PHOTOS, text="food on a plate", k=60),
    Query(collection=PHOTOS, text="snake", k=200),
    Query(collection=PHOTOS, text="an x-ray of a submarine"),
    Query(collection=PHOTOS, text=LONG),
    Query(collection=PHOTOS, text="ein Hund am Strand, “Sommer” & mehr"),
    Query(collection=PHOTOS, text="n01514668.jpg", by_file=True),
    Query(collection=CIFAR10, text="a cat", k=100),
    Query(collection=CIFAR10, text="a horse in a field"),
    Query(collection=CIFAR10, text="a small animal with a long tail", k=1200),
    Query(collection=SCENES, text="a green leaf"),
    Query(collection=SCENES, text="a small brown heart below a blue star", k=60),
    Query(collection=SCENES, text="nothing at all"),
    # Several terms, weighted and unwanted.
    Query(collection=PHOTOS, text="2:snake + grass"),
    Query(collection=PHOTOS, text="bird + 0.5:water - tree"),
    Query(collection=PHOTOS, text="vehicle - car - truck", k=60),
    Query(collection=PHOTOS, text="- people"),
    Query(collection=PHOTOS, text="a t-shirt - 3:a face"),
    Query(collection=PHOTOS, text="an animal", without=("dog", "a cat in a basket")),
    Query(collection=CIFAR10, text="3:ship + sky - boat"),
    Query(collection=SCENES, text="2:star + yellow - 1.5:blue"),
    # Images: of the collection, uploaded, and together with text.
    Query(collection=PHOTOS, like=(40,)),
    Query(collection=PHOTOS, like=(40, 41)),
    Query(collection=PHOTOS, like=(40,), unlike=(90,)),
    Query(collection=PHOTOS, text="in the snow", like=(70,)),
    Query(collection=CIFAR10, like=(7,), k=60),
    Query(collection=CIFAR10, text="a bird", like=(7,), unlike=(8, 9)),
    Query(collection=SCENES, like=(100,), k=60),
    Query(collection=PHOTOS, uploads=("disc",)),
    Query(collection=PHOTOS, uploads=("large",)),
    Query(collection=PHOTOS, uploads=("preview:12",)),
    Query(collection=PHOTOS, text="2:fruit - animal", uploads=("disc",)),
    Query(collection=SCENES, uploads=("disc",), without=("a square",)),
    Query(collection=CIFAR10, uploads=("preview:3",), like=(900,)),
    # Filters by an expression.
    Query(collection=PHOTOS, text="insect", where="width >= 500 and height < 400"),
    Query(collection=PHOTOS, where="width > 600"),
    Query(collection=CIFAR10, text="a cat", where='label_name in ["cat", "dog", "deer"]', k=60),
    Query(
        collection=SCENES, text="a yellow star", where='colour == "yellow" and things > 1 and not (ground == "black")'
    ),
    Query(collection=SCENES, like=(100,), where='texture != "plain"'),
    Query(collection=SCENES, text="a heart", where='shape == "no such shape"'),
    # Filters by facet, tags.
    Query(collection=CIFAR10, text="a red car", filters=(one_of("label_name", "automobile", "truck"),)),
    Query(
        collection=SCENES,
        text="a brown heart",
        filters=(one_of("colour", "brown", "red"), between("things", 2)),
        k=60,
    ),
    Query(collection=SCENES, filters=(contains("caption", "LEFT of"), one_of("ground", "white"))),
    Query(collection=PHOTOS, text="a plant", filters=(between("date", "2004-01-01", "2008-12-31"),)),
    Query(collection=PHOTOS, text="insect", filters=(contains("path", "n02"), between("height", high=375)), k=60),
    Query(collection=PHOTOS, text="a building", filters=(tagged("for print"),), threshold=0.3, order="name"),
    Query(collection=PHOTOS, filters=(tagged("seen, twice"), between("width", 400))),
    Query(collection=SCENES, text="a lemon", filters=(tagged("checked"),), where='size == "small"'),
    Query(collection=CIFAR10, like=(3,), filters=(tagged("checked"),)),
    # Orders, offsets, thresholds.
    Query(collection=PHOTOS, text="snake", order="largest", k=60),
    Query(collection=PHOTOS, order="newest", k=60),
    Query(collection=PHOTOS, text="a monkey", order="name", offset=1),
    Query(collection=CIFAR10, text="a cat", offset=4, k=60),
    Query(collection=SCENES, like=(4,), order="name", filters=(one_of("label", "star"),)),
    Query(collection=PHOTOS, text="a fish", threshold=0.4, k=60),
    Query(collection=PHOTOS, text="a fish", threshold="off", k=60),
    # Requests that are refused.
    Query(collection=PHOTOS, text="dog - dog"),
    Query(collection=PHOTOS, text="a dog", where="colour == 'red'"),
    Query(collection=PHOTOS, text="a dog", where="__import__('os').system('true')"),
)

# Only the likely hits, which the old revision could not be asked for: compared among the doors of the new one.
LIKELY: tuple[Query, ...] = (
    Query(collection=PHOTOS, text="snake", k=200, likely=True),
    Query(collection=PHOTOS, text="an x-ray of a submarine", likely=True),
    Query(collection=CIFAR10, text="a cat", filters=(one_of("label_name", "cat"),), order="name", k=60, likely=True),
    Query(collection=SCENES, text="a yellow star", threshold=1.2, offset=2, likely=True),
)

WINOGROUND = ("colour swap", "relation swap", "role swap", "count swap")
EXAMPLES: tuple[Example, ...] = (
    *(Example(what="pair", kind=kind, number=i) for kind in WINOGROUND for i in (0, 1, 9_999)),
)

CIFAR10_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPES = ("triangle", "cross", "circle", "ring", "square", "diamond", "heart", "star")


def bare(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: () for name in names}


def many() -> dict[str, tuple[str, ...]]:
    """299 classes of two words."""
    kinds = ("dog", "cat", "bird", "fish", "snake", "car", "boat", "house", "tree", "flower", "fruit", "chair", "tool")
    colours = ("red", "green", "blue", "white", "black", "brown", "grey", "yellow", "orange", "pink", "purple")
    looks = ("small", "large", "old", "new", "wet", "wooden", "metal", "broken", "furry", "striped", "folded", "empty")
    return bare(*(f"{look} {kind}" for look in (*colours, *looks) for kind in kinds))


CLASS_LISTS: tuple[ClassList, ...] = (
    ClassList(name="plain", collection=CIFAR10, classes=bare(*CIFAR10_NAMES), templates="plain"),
    ClassList(
        name="synonyms",
        collection=CIFAR10,
        classes={
            **bare("bird", "cat", "deer", "frog", "horse"),
            "airplane": ("plane", "jet"),
            "dog": ("puppy", "hound"),
            "vehicle": ("automobile", "car", "truck"),
            "ship": ("boat",),
        },
    ),
    ClassList(name="7 templates", collection=CIFAR10, classes=bare(*CIFAR10_NAMES), templates="7"),
    ClassList(
        name="own templates",
        collection=CIFAR10,
        classes=bare("cat", "dog", "ship", "truck"),
        templates=("a blurred photo of a {}.", "{}", "a {}, seen from afar"),
    ),
    ClassList(name="none", collection=CIFAR10, classes=bare("cat", "dog", "ship"), none=True),
    ClassList(name="any of these", collection=CIFAR10, classes=bare("animal", "vehicle", "bird", "truck"), any=True),
    ClassList(name="single class", collection=PHOTOS, classes=bare("dog"), none=True),
    ClassList(name="many classes", collection=PHOTOS, classes=many()),
    ClassList(
        name="corrections",
        collection=PHOTOS,
        classes=bare("dog", "bird", "fish", "vehicle", "food", "instrument"),
        none=True,
        images=(0, 62, 74, 151),
    ),
    ClassList(name="column and corrections", collection=SCENES, classes=bare(*SHAPES)),
    ClassList(
        name="commas and quotes",
        collection=PHOTOS,
        classes=bare("salt, pepper and spice", 'a "smart" phone', "dog's dinner", "rock & roll", "bird"),
    ),
    ClassList(
        name="colons",
        collection=PHOTOS,
        classes=bare("film: noir, thriller", "note: a dog", "time 10:30", "bird"),
        literal=True,
    ),
)

assert len(QUERIES) == 60 and len(CLASS_LISTS) == 12
