"""Opens the zipped XML of Office files: within bounds, without entities and without the network.

Elements are known by their local names, so that both dialects of Office Open XML read the same.
"""

import io
import posixpath
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lxml import etree

from deployments.contracts.errors import InvalidRequest
from deployments.indexer.formats import bounds

_OLD_FORMAT = b"\xd0\xcf\x11\xe0"

_OFF = frozenset(("0", "false", "off"))


@dataclass(frozen=True, slots=True)
class Relationship:
    """What a part of an Office file points to; `kind` is the last word of its type's address."""

    kind: str
    target: str


class OfficeFile:
    """The parts of one Office file, as bytes or as trees of at most `MAX_XML_ELEMENTS` in all."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {_normal(name): name for name in archive.namelist()}
        self._elements = 0

    def names(self, prefix: str) -> list[str]:
        """Returns the names of the parts that begin with a prefix."""
        return sorted(name for name in self._names if name.startswith(_normal(prefix)))

    def read(self, name: str) -> bytes:
        """Returns a part; empty where there is none."""
        found = self._names.get(_normal(name))
        return self._archive.read(found) if found is not None else b""

    def tree(self, name: str) -> etree._Element | None:
        """Returns the root of a part's XML; None where there is no such part.

        Raises:
            InvalidRequest: The file has more elements than can be held.
        """
        content = self.read(name)
        if not content:
            return None
        self._elements += content.count(b"<")
        bounds.check_elements(self._elements // 2)
        return etree.fromstring(content, parser=_parser())

    def main_part(self, kind: str) -> str:
        """Returns the name of the part that the file is about.

        Raises:
            InvalidRequest: There is none.
        """
        for relationship in self.relationships("").values():
            if relationship.kind == "officeDocument":
                return relationship.target
        raise InvalidRequest(f"The file is damaged, or is not {kind}.")

    def relationships(self, part: str) -> dict[str, Relationship]:
        """Returns by their ids what a part points to within the file."""
        folder, name = posixpath.split(part)
        root = self.tree(posixpath.join(folder, "_rels", f"{name}.rels"))
        found: dict[str, Relationship] = {}
        for element in () if root is None else root:
            if element.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, element.get("Target", "")))
                kind = element.get("Type", "").rpartition("/")[2]
                found[element.get("Id", "")] = Relationship(kind, target.lstrip("/"))
        return found


@contextmanager
def open_office(content: bytes, kind: str) -> Iterator[OfficeFile]:
    """Opens an Office file that is small enough, and translates what its libraries raise.

    The sizes in the directory are a bound even when they lie: no member is read beyond its own.

    Args:
        content: The bytes of the file.
        kind: What the file ought to be, for people: "a Word document (.docx)".

    Raises:
        InvalidRequest: It is damaged, too large, protected, or something else.
    """
    if content.startswith(_OLD_FORMAT):
        reason = "The file has a password, or is of a format from before 2007."
        raise InvalidRequest(f"{reason} Save it as {kind} without a password.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            bounds.check_inflated(sum(entry.file_size for entry in archive.infolist()))
            yield OfficeFile(archive)
    except InvalidRequest:
        raise
    except Exception as error:
        raise InvalidRequest(f"The file is damaged, or is not {kind}.") from error


def stream(content: bytes, name: str) -> Iterator[etree._Element]:
    """Yields the elements of a name one by one; each is dropped when the next is asked for.

    Raises:
        InvalidRequest: The XML has more tags than a sheet may have.
    """
    bounds.check_sheet_tags(content.count(b"<"))
    events = etree.iterparse(
        io.BytesIO(content),
        tag=f"{{*}}{name}",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    for _, element in events:
        yield element
        element.clear()
        parent = element.getparent()
        while parent is not None and element.getprevious() is not None:
            del parent[0]


def local_name(element: etree._Element) -> str:
    """Returns the name of an element without its namespace; "" for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def child(element: etree._Element | None, *names: str) -> etree._Element | None:
    """Returns the first child of a name, and of that the first of the next name, and so on."""
    for name in names:
        if element is None:
            return None
        element = next((one for one in element if local_name(one) == name), None)
    return element


def attribute(element: etree._Element | None, name: str, default: str = "") -> str:
    """Returns an attribute by its local name."""
    if element is None:
        return default
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return default


def is_on(switch: etree._Element | None, *, usual: bool = False) -> bool:
    """Returns whether a property that is on or off is on; one that is there without a value is.

    Args:
        switch: Its element.
        usual: What holds where there is none.
    """
    return usual if switch is None else attribute(switch, "val", "1") not in _OFF


def _normal(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
