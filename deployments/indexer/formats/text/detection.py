"""Which legacy encoding some bytes are in: as the file declares, or as letters follow each other.

chardet knows how often they do in languages; what it says is held against what words look like.
Where nothing reads well the file is refused by name: a text in a wrong script would be stored in
silence and never found.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deployments.contracts.errors import InvalidRequest
from deployments.indexer.formats.text.plausibility import reads_well, words_of_other_scripts

_USUAL = (
    *("cp1252", "cp1250", "iso8859_2", "cp1251", "koi8_r", "koi8_u", "iso8859_5", "cp1253"),
    *("iso8859_7", "cp1254", "iso8859_9", "cp1255", "iso8859_8", "cp1256", "iso8859_6", "cp1257"),
    *(
        "iso8859_15",
        "cp874",
        "cp932",
        "euc_jis_2004",
        "gb18030",
        "big5",
        "cp949",
        "cp866",
        "cp1258",
    ),
)
"""What editors wrote before UTF-8."""

_OLD = ("cp437", "cp850", "cp852", "mac_roman", "iso8859_4", "iso8859_13", "cp855", "cp862")
"""What editors wrote before that: asked only where none of the usual ones reads well."""

_SINGLE_WESTERN = frozenset(("cp1252", "iso8859_1", "iso8859_15", "ascii", "latin_1"))

_MOSTLY_ASCII_RATIO = 0.03
"""Below this share of other bytes detection is guesswork, and Windows-1252 quotes are likely."""

_CLOSE_RATIO = 0.8
"""A Western reading with this share of the best one's confidence is preferred: most texts are."""

_GUESS_CONFIDENCE = 0.03
"""Of a few letters the detector knows nothing, and says so."""

_ICELANDIC = re.compile("[ÝÐÞýðþ]".encode("cp1252"))
_TURKISH = frozenset(("cp1254", "iso8859_9"))
_OF_TURKEY, _OF_ICELAND = (
    re.compile(f"[{letters}]".encode("cp1252")) for letters in ("ÇÜçü", "ÁÆÉÍÓÚáæéíóú")
)
"""Letters that only one of the two languages has, of those that both encodings share."""

_SAMPLE_BYTES = 200_000


def believed(content: bytes, declared: str) -> str:
    """Returns the declared encoding where the bytes read well in it; "" otherwise."""
    name = _codec_name(declared)
    if not name or name in ("utf_8", "utf_16", "utf_32"):
        return ""
    name = "cp1252" if name in ("iso8859_1", "ascii") else name
    sample = sample_of(content)
    is_foreign = name in _SINGLE_WESTERN and words_of_other_scripts(sample)
    return name if not is_foreign and _reads_well(sample, name) else ""


def _codec_name(name: str) -> str:
    try:
        found = codecs.lookup(name.strip() or "?").name.replace("-", "_")
        b"a".decode(found)
    except (LookupError, ValueError):
        return ""
    return found


def sample_of(content: bytes) -> bytes:
    """Returns the lines that have other bytes than ASCII, as many as tell."""
    if len(content) <= _SAMPLE_BYTES:
        return content
    lines: list[bytes] = []
    size = 0
    for line in content.split(b"\n"):
        if not line.isascii():
            lines.append(line[:_SAMPLE_BYTES])
            size += len(lines[-1])
        if size > _SAMPLE_BYTES:
            break
    return b"\n".join(lines)


def detect(content: bytes) -> str:
    sample = sample_of(content)
    foreign_ratio = sum(byte > 127 for byte in sample) / len(content)
    if foreign_ratio < _MOSTLY_ASCII_RATIO and _reads_well(sample, "cp1252"):
        return "cp1252"
    for encodings in (_USUAL, _OLD):
        found = _choose(list(_readings(sample, encodings)), sample)
        if found:
            return found
    raise InvalidRequest("The file is not text in a known encoding. Save it as UTF-8.")


@dataclass(frozen=True, slots=True)
class _Reading:
    encoding: str
    text: str
    confidence: float


def _readings(sample: bytes, encodings: Sequence[str]) -> Iterator[_Reading]:
    """Yields what the detector makes of the bytes, best first, where words look like words."""
    from chardet import detect_all

    is_foreign = words_of_other_scripts(sample)
    for found in detect_all(
        sample,
        ignore_threshold=True,
        include_encodings=encodings,
        no_match_encoding=encodings[0],
    ):
        name = _codec_name(found["encoding"] or "")
        text = _strict(sample, name) if name else None
        if text is not None and reads_well(text, is_foreign=is_foreign):
            yield _Reading(name, text, found["confidence"])


def _choose(readings: list[_Reading], sample: bytes) -> str:
    """Returns the encoding to believe: the likeliest, or Windows-1252 where that is a guess."""
    best = max(readings, key=lambda one: one.confidence, default=None)
    if best is None or best.confidence < _GUESS_CONFIDENCE:
        if _reads_well(sample, "cp1252") and (best is None or _is_usual(sample)):
            return "cp1252"
        return best.encoding if best else ""
    close = [one for one in readings if one.confidence >= best.confidence * _CLOSE_RATIO]
    western = next((one for one in close if one.encoding in _SINGLE_WESTERN), None)
    if western is not None and not _is_usual(sample):
        turkish = next((one for one in close if one.encoding in _TURKISH), None)
        if turkish and len(_OF_TURKEY.findall(sample)) > len(_OF_ICELAND.findall(sample)):
            return turkish.encoding
        return best.encoding
    return western.encoding if western is not None else best.encoding


def _is_usual(sample: bytes) -> bool:
    """Returns whether a Western sample has none of the letters that only Iceland writes: they stand
    where Turkish has its own."""
    return _ICELANDIC.search(sample) is None


def _reads_well(sample: bytes, encoding: str) -> bool:
    text = _strict(sample, encoding)
    return text is not None and reads_well(text, is_foreign=words_of_other_scripts(sample))


def _strict(sample: bytes, encoding: str) -> str | None:
    """Returns the text; None where a byte is not of the encoding. A cut end counts as whole."""
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 4 or len(sample) < _SAMPLE_BYTES:
            return None
        return sample[: error.start].decode(encoding)
