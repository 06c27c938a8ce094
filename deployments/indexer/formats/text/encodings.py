"""Text of bytes: by their mark, as UTF-8 with damage or without, or in a legacy encoding.

UTF-8 comes first because hardly anything else looks like it. Which legacy encoding it is otherwise
is decided in `detection`.
"""

import re
from dataclasses import dataclass

from deployments.contracts.errors import InvalidRequest
from deployments.indexer.formats.converted import count_of
from deployments.indexer.formats.text.detection import believed, detect, sample_of
from deployments.indexer.formats.text.plausibility import reads_well, words_of_other_scripts

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32"),  # before UTF-16, whose mark it begins with
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)

_LEAST_SHARE = 4
"""Letters of UTF-8 for each stray byte, in scripts whose words are all bytes beyond ASCII: there
pairs of bytes look like UTF-8 by chance."""

_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffd-\uffff\ud800-\udfff\ue000-\uf8ff]")
_SHIFT_JAPANESE = re.compile(rb"\x1b\$[@B]|\x1b\([JI]")
_META = re.compile(rb"<meta\b[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w:.-]{1,40})", re.I)
_XML_DECLARATION = re.compile(rb"\s*<\?xml\b[^>]{0,200}?encoding\s*=\s*[\"']([\w:.-]{1,40})", re.I)
_DECLARING_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text, and sentences on what of its bytes could not be read."""

    text: str
    warnings: tuple[str, ...] = ()


def decode_text(content: bytes, *, declared: str = "") -> Decoded:
    """Returns the text of some bytes.

    Args:
        content: The bytes.
        declared: The encoding that the file says it is in; it is believed where it can be.

    Raises:
        InvalidRequest: The bytes are not text, or in no encoding that reads well.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return _replace(
                content.removeprefix(mark) if encoding == "utf-8" else content, encoding
            )
    wide = _wide_encoding(content)
    if wide:
        return _replace(content, wide)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_damaged(content, declared)
    if _SHIFT_JAPANESE.search(content) and content.isascii():
        return Decoded(content.decode("iso2022_jp", "replace"))
    return Decoded(text)


def declared_encoding(content: bytes) -> str:
    """Returns the encoding that a web page or XML names in its first bytes; "" for none."""
    head = content[:_DECLARING_BYTES]
    match = _XML_DECLARATION.match(head) or _META.search(head)
    return match[1].decode("ascii") if match else ""


def _wide_encoding(content: bytes) -> str:
    """Returns UTF-16 of the order in which bytes with zeros among them are text; "" for none."""
    head = content[:_DECLARING_BYTES]
    if b"\x00" not in head or len(content) % 2:
        return ""
    readings = {name: head.decode(name, "replace") for name in ("utf-16-le", "utf-16-be")}
    texts = {name: text for name, text in readings.items() if not _NO_TEXT.search(text)}
    ascii_counts = {name: len(text.encode("ascii", "ignore")) for name, text in texts.items()}
    best = max(ascii_counts, key=ascii_counts.__getitem__, default="")
    is_text = best and ascii_counts[best] * 20 >= len(texts[best])
    return best if is_text and reads_well(texts[best], is_foreign=False) else ""


def _decode_damaged(content: bytes, declared: str) -> Decoded:
    """Returns the text of bytes that are not all UTF-8.

    Sequences of UTF-8 hardly come about by chance: where there are as many as stray bytes, the
    file is UTF-8 with damage, and only the damage is replaced.
    """
    lenient = content.decode("utf-8", "replace")
    damaged = lenient.count("\ufffd")
    foreign = len(lenient) - len(lenient.encode("ascii", "ignore")) - damaged
    share = _LEAST_SHARE if words_of_other_scripts(sample_of(content)) else 1
    if foreign >= damaged * share:
        return Decoded(lenient, (_damage(damaged, "UTF-8"),))
    if b"\x00" in content:
        raise _not_text()
    encoding = believed(content, declared) or detect(content)
    return _replace(content, encoding)


def _replace(content: bytes, encoding: str) -> Decoded:
    text = content.decode(encoding, "replace").removeprefix("\ufeff")
    damaged = text.count("\ufffd") if "\ufffd" in text else 0
    return Decoded(text, (_damage(damaged, encoding),) if damaged else ())


def _damage(count: int, encoding: str) -> str:
    was = "was" if count == 1 else "were"
    return f"{count_of(count, 'byte')} {was} no {encoding.upper()} and cannot be read."


def _not_text() -> InvalidRequest:
    return InvalidRequest("The file is not text in a known encoding. Save it as UTF-8.")
