"""The tree of an XMP packet: properties are read, added and removed, and all else is written as it was read."""

import unicodedata
from collections.abc import Iterable, Iterator, Set
from xml.dom import XMLNS_NAMESPACE, minidom
from xml.sax.saxutils import escape, quoteattr

from defusedxml.minidom import parseString

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XML = "http://www.w3.org/XML/1998/namespace"
DC = "http://purl.org/dc/elements/1.1/"
BASIC = "http://ns.adobe.com/xap/1.0/"
LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
OURS = "urn:gelato:xmp:1.0/"  # Levels and Paths that Gelato added, Gone that it took away
PREFIXES = {DC: "dc", BASIC: "xmp", LIGHTROOM: "lr", OURS: "gelato"}
NEW = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="{RDF}">
  <rdf:Description rdf:about=""/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


def _parsed(packet: bytes) -> minidom.Document:
    """The tree of a packet, which programs pad with zeros and blanks."""
    bare = packet if packet[:2] in (b"\xff\xfe", b"\xfe\xff") else packet.strip(b"\0 \r\n\t")  # UTF-16 has zeros
    try:
        document: minidom.Document = parseString(bare, forbid_dtd=True)
    except Exception as error:  # expat's, defusedxml's and of unknown encodings
        raise ValueError("it is no XML that can be read") from error
    return document


class Packet:
    """The tree of a packet, of a new one where it is empty. ValueError if it is no XMP.

    Properties are those of the rdf:Descriptions right below rdf:RDF.
    """

    def __init__(self, packet: bytes):
        self.document = _parsed(packet or NEW.encode())
        roots = self.document.getElementsByTagNameNS(RDF, "RDF")
        if not roots:
            raise ValueError("it holds no XMP")
        self.rdf: minidom.Element = roots[0]
        self.changed = False

    @property
    def abouts(self) -> list[minidom.Element]:
        return [node for node in _elements(self.rdf) if (node.namespaceURI, node.localName) == (RDF, "Description")]

    def find(self, space: str, name: str) -> minidom.Element | minidom.Attr | None:
        for about in self.abouts:
            for node in _elements(about):
                if (node.namespaceURI, node.localName) == (space, name):
                    return node
            attribute: minidom.Attr | None = about.getAttributeNodeNS(space, name)
            if attribute is not None:
                return attribute
        return None

    def values(self, space: str, name: str) -> list[str]:
        """The values of a property, whether it is a list or one text."""
        found = self.find(space, name)
        if isinstance(found, minidom.Attr):
            return [found.value]
        if found is None:
            return []
        items = found.getElementsByTagNameNS(RDF, "li")
        return [unicodedata.normalize("NFC", _text(item)).strip() for item in items or [found]]

    def value(self, space: str, name: str) -> str:
        return next((value.strip() for value in self.values(space, name) if value.strip()), "")

    def add(self, space: str, name: str, value: str) -> bool:
        """Add value to the list of a property, unless it is there; whether it was not."""
        held = self.values(space, name)
        if value in held:
            return False
        found = self.find(space, name)
        inside = _elements(found) if isinstance(found, minidom.Element) else []
        lists = [node for node in inside if node.namespaceURI == RDF]
        if not lists:  # there is none, or one text where a list must be
            self._remove(found)
            lists = [self._append(self._append(self._about(), space, name), RDF, "Bag")]
            for text in filter(None, held):
                self._append(lists[0], RDF, "li", text)
        self._append(lists[0], RDF, "li", value)
        return True

    def drop(self, space: str, name: str, value: str) -> None:
        """Remove value from the list of a property, and the property with its last value."""
        found, held = self.find(space, name), self.values(space, name)
        if value not in held:
            return
        self.changed = True
        if held == [value] or isinstance(found, minidom.Attr) or found is None:
            self._remove(found)
            return
        for item in found.getElementsByTagNameNS(RDF, "li"):
            if unicodedata.normalize("NFC", _text(item)).strip() == value:
                inside = item.parentNode
                assert isinstance(inside, minidom.Element)
                if isinstance(blank := item.previousSibling, minidom.Text) and not blank.data.strip():
                    inside.removeChild(blank)
                inside.removeChild(item)

    def set_list(self, space: str, name: str, values: Set[str]) -> None:
        """Let a property be the list of values; none if there are none."""
        if set(self.values(space, name)) == values:
            return
        self.changed = True
        self._remove(self.find(space, name))
        for value in sorted(values):
            self.add(space, name, value)

    def say(self, space: str, name: str, value: str) -> None:
        """Give a property that has no text value as its text of the default language."""
        if not value or self.value(space, name):
            return
        self._remove(self.find(space, name))
        item = self._append(self._append(self._append(self._about(), space, name), RDF, "Alt"), RDF, "li", value)
        item.setAttributeNS(XML, "xml:lang", "x-default")

    def set(self, space: str, name: str, value: str) -> None:
        """Give a property one plain value."""
        self._remove(self.find(space, name))
        self._append(self._about(), space, name, value)

    def _remove(self, found: minidom.Element | minidom.Attr | None) -> None:
        if isinstance(found, minidom.Attr) and found.ownerElement is not None:
            found.ownerElement.removeAttributeNode(found)
        elif isinstance(found, minidom.Element) and found.parentNode is not None:
            found.parentNode.removeChild(found)

    def _about(self) -> minidom.Element:
        if self.abouts:
            return self.abouts[0]
        about = self._append(self.rdf, RDF, "Description")
        about.setAttributeNS(RDF, _qualified(about, RDF, "about"), "")
        return about

    def _append(self, parent: minidom.Element, space: str, name: str, text: str = "") -> minidom.Element:
        """A new last element of parent, on a line of its own."""
        self.changed = True
        depth, node = 0, parent.parentNode
        while node is not None:
            depth, node = depth + 1, node.parentNode
        last = parent.lastChild
        if last is not None and last.nodeType == last.TEXT_NODE and not last.data.strip():
            parent.removeChild(last)
        element = self.document.createElementNS(space, _qualified(parent, space, name))
        if text:
            element.appendChild(self.document.createTextNode(text))
        parent.appendChild(self.document.createTextNode("\n" + " " * depth))
        parent.appendChild(element)
        parent.appendChild(self.document.createTextNode("\n" + " " * (depth - 1)))
        return element

    def text(self) -> bytes:
        return ("\n".join("".join(_written(node)) for node in self.document.childNodes) + "\n").encode()


def _qualified(near: minidom.Element, space: str, name: str) -> str:
    """name with a prefix that stands for space at the element near, which gets one if none does."""
    bound: dict[str, str] = {}  # the innermost meaning of each prefix
    node: minidom.Node | None = near
    while isinstance(node, minidom.Element):
        for attribute in (node.attributes or {}).values():
            if attribute.namespaceURI == XMLNS_NAMESPACE and attribute.prefix:
                bound.setdefault(attribute.localName, attribute.value)
        node = node.parentNode
    for prefix, meaning in bound.items():
        if meaning == space:
            return f"{prefix}:{name}"
    prefix = PREFIXES.get(space, "ns")
    while prefix in bound:
        prefix += "1"
    near.setAttributeNS(XMLNS_NAMESPACE, f"xmlns:{prefix}", space)
    return f"{prefix}:{name}"


def _elements(node: minidom.Node) -> Iterable[minidom.Element]:
    return [child for child in node.childNodes if isinstance(child, minidom.Element)]


def _text(node: minidom.Element) -> str:
    return "".join(child.data for child in node.childNodes if isinstance(child, minidom.Text))  # CDATA is one


def _written(node: minidom.Node) -> Iterator[str]:
    """A node as XML. (minidom's own writer loses the line breaks of attributes.)"""
    if not isinstance(node, minidom.Element):
        is_text = isinstance(node, minidom.Text) and not isinstance(node, minidom.CDATASection)
        yield escape(node.data, {"\r": "&#13;"}) if is_text else node.toxml()  # type: ignore[attr-defined]
        return
    breaks = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
    yield f"<{node.tagName}"
    yield from (f" {name}={quoteattr(value, breaks)}" for name, value in (node.attributes or {}).items())
    if not node.childNodes:
        yield "/>"
        return
    yield ">"
    for child in node.childNodes:
        yield from _written(child)
    yield f"</{node.tagName}>"
