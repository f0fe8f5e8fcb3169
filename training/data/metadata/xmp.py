"""XMP, inside an image or beside it: the properties that people and programs use, out of untrusted XML."""

import re
from xml.etree.ElementTree import Element, ParseError, fromstring

from training.data.metadata.columns import Columns, joined, known, merged, of_moment
from training.data.metadata.moments import better, read_moment
from training.data.metadata.values import camera, degrees, description, first_of, lens, line, number, place, rating
from training.data.texts import decode_text

MOST_BYTES = 1 << 23
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
PREFIXES = {
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/lightroom/1.0/": "lr",
    "http://www.digikam.org/ns/1.0/": "digiKam",
    "http://ns.microsoft.com/photo/1.0/": "MicrosoftPhoto",
    "http://ns.microsoft.com/photo/1.0": "MicrosoftPhoto",
    "http://ns.microsoft.com/photo/1.2/t/Region#": "MPReg",
    "http://www.metadataworkinggroup.com/schemas/regions/": "mwg-rs",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
}
ROOT = re.compile(r"<((?:[\w.-]+:)?(?:xmpmeta|xapmeta|RDF))[\s>]")  # whatever stands for their namespaces
DOCUMENT_TYPE = re.compile("<!(DOCTYPE|ENTITY)", re.IGNORECASE)
CONTROLS = re.compile(  # which XML has no place for, and some programs write
    r"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#x0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]);|&#0*(?:[0-8]|1[124-9]|2\d|3[01]);"
)
COORDINATE = re.compile(r"\s*([-+]?[\d.]+(?:[,;][\d.]+){0,2})\s*([NSEWnsew]?)\s*")

Properties = dict[str, list[str]]


def xmp_columns(packet: bytes) -> Columns:
    """The columns of an XMP packet or file. ValueError if it is no XML, too large, or has a document type."""
    found = properties(packet)
    times = ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate", "exif:DateTimeDigitized")
    taken = None
    for name in times:
        taken = better(taken, read_moment(first_of(found, name)))
    height = number(first_of(found, "exif:GPSAltitude"))
    below = first_of(found, "exif:GPSAltitudeRef") == "1"
    where = place(
        _coordinate(first_of(found, "exif:GPSLatitude")),
        _coordinate(first_of(found, "exif:GPSLongitude")),
        -height if height is not None and below else height,
    )
    facts = {
        "camera": camera(first_of(found, "tiff:Make"), first_of(found, "tiff:Model")),
        "lens": lens(first_of(found, "exifEX:LensModel", "aux:Lens", "exif:LensModel", "MicrosoftPhoto:LensModel")),
        "keywords": joined(_keywords(found)),
        "people": joined([*found.get("Iptc4xmpExt:PersonInImage", []), *found.get("people", [])]),
        "title": line(first_of(found, "dc:title", "photoshop:Headline")),
        "description": description(
            first_of(found, "dc:description", "exif:UserComment", "tiff:ImageDescription", "exif:ImageDescription")
        ),
        "orientation": _orientation(first_of(found, "tiff:Orientation", "exif:Orientation")),
    }
    stars = rating(first_of(found, "xmp:Rating"), first_of(found, "MicrosoftPhoto:Rating"))
    return merged(of_moment(taken), where, stars, known(facts))


def properties(packet: bytes) -> Properties:
    """The properties of a packet, "dc:subject" and so on, each with its values; errors as of xmp_columns.

    Of one text in several languages the first is x-default, if there is one. "people": the names of regions.
    """
    if len(packet) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES >> 20} MB")
    root = _parsed(packet)
    found: Properties = {}
    for about in root.iter(f"{RDF}Description"):
        for name, value in about.attrib.items():
            if name := _prefixed(name):
                _add(found, name, [value])
        for element in about:
            if name := _prefixed(element.tag):
                _add(found, name, _values(element))
    for tag in (f"{RDF}li", f"{RDF}Description"):
        for element in root.iter(tag):
            _region(found, element)
    return found


def _parsed(packet: bytes) -> Element:
    """The tree of a packet, whatever stands around it: programs pad it, and cut it from files.

    Without a document type there are no entities that could grow or read files. The text is decoded here, so that no
    encoding can hide one.
    """
    text = CONTROLS.sub("", decode_text(packet))
    root = ROOT.search(text)
    if root is None or DOCUMENT_TYPE.search(text):
        raise ValueError(
            "it is no XMP that can be read" if root is None else "it has a document type, which XMP has not"
        )
    end = text.rfind("</" + root[1])
    try:
        return fromstring(text[root.start() : text.find(">", end) + 1].encode())
    except ParseError as error:
        raise ValueError("it is no XML that can be read") from error


def _add(found: Properties, name: str, values: list[str]) -> None:
    if some := [value for value in values if value.strip()]:
        found.setdefault(name, some)


def _prefixed(tag: str) -> str:
    """{http://purl.org/dc/elements/1.1/}title as dc:title; "" for what is not used here."""
    space, _, local = tag.removeprefix("{").partition("}")
    return f"{PREFIXES[space]}:{local}" if space in PREFIXES else ""


def _values(element: Element) -> list[str]:
    items = [item for item in element.iter(f"{RDF}li")]
    if not items:
        return [element.text or ""]
    items.sort(key=lambda item: item.get(LANGUAGE) != "x-default" and LANGUAGE in item.attrib)
    return [item.text or "" for item in items]


def _region(found: Properties, element: Element) -> None:
    """A face with a name, in the ways of the Metadata Working Group and of Microsoft."""
    children = ((child.tag, child.text or "") for child in element)
    facts = {_prefixed(tag): value for tag, value in (*element.attrib.items(), *children)}
    if facts.get("mwg-rs:Type", "Face") != "Face":
        return
    name = facts.get("mwg-rs:Name") or facts.get("MPReg:PersonDisplayName")
    if name and name not in found.setdefault("people", []):
        found["people"].append(name)


def _keywords(found: Properties) -> list[str]:
    """Keywords, with every level of those that are paths; without those that darktable keeps for itself."""
    flat = [*found.get("dc:subject", []), *found.get("MicrosoftPhoto:LastKeywordXMP", [])]
    paths = [path.split("|") for path in found.get("lr:hierarchicalSubject", [])]
    paths += [path.split("/") for path in found.get("digiKam:TagsList", [])]
    levels = dict.fromkeys(level for path in paths if path[:-1][:1] != ["darktable"] for level in path)
    own = {level for path in paths for level in path}.difference(levels)  # darktable|format|cr2, darktable|changed, ...
    return [*(keyword for keyword in flat if keyword not in own and keyword[:10] != "darktable|"), *levels]


def _coordinate(text: str | None) -> float | None:
    """A coordinate: "52,30.6N", "52,30,36N" or in degrees with a sign."""
    match = COORDINATE.fullmatch(text or "")
    return degrees(re.split("[,;]", match[1]), match[2]) if match else None


def _orientation(text: str | None) -> int | None:
    value = number(text)
    return int(value) if value is not None and value in range(1, 9) else None
