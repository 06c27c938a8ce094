"""Damaged files, made from whole ones: the same seed gives the same files."""

import io
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_MAX_GROWTH_BYTES = 100_000
"""What one mutation adds at most: a file stays one that people would upload."""

_TOKENS = (
    *(b"<", b"<a b=", b"<table><tr><td>", b"</", b"&#x41;", b"<!--", b"<ol><li>", b"]]>"),
    *(b"![", b"[[", b"`", b"#", b"# a\n", b"* ", b"> ", b"|", b'"', b"'", b",", b"\t", b"\n", b";"),
    *(b"{", b"[", b"0", b"9", b"\x00", b"\xff", b"\xc3", b"\x1b[", b"\xe2\x80\x8b", b"- &a *a\n"),
    *(b"<<", b"<< /A ", b"obj\n", b"(", b"\\", b"1 0 R ", b"<w:p>", b'<row r="'),
)
"""What the formats that are read are made of; repeated, it is what their readers are slow at."""

_NUMBER = re.compile(rb"\d{1,10}")
_NUMBERS = (
    b"0",
    b"-1",
    b"999999999",
    b"2147483648",
    b"18446744073709551616",
    b"1e309",
    b"9" * 5000,
)

Mutation = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True, slots=True)
class Sample:
    """A file: its name, whose extension says what reads it, and its bytes."""

    name: str
    content: bytes


def mutated(samples: Sequence[Sample], *, count: int, seed: int) -> Iterator[Sample]:
    """Yields damaged files, one to three mutations each, with names of their own.

    Args:
        samples: Whole files; at least one.
        count: How many.
        seed: Of the choices.
    """
    chance = random.Random(seed)
    for number in range(count):
        sample = chance.choice(samples)
        content = sample.content
        for _ in range(chance.randint(1, 3)):
            content = _mutate(content, samples, chance)
        path = PurePosixPath(sample.name)
        yield Sample(f"{number:05d}-{path.stem[:40]}{path.suffix}", content)


def _mutate(content: bytes, samples: Sequence[Sample], chance: random.Random) -> bytes:
    if content.startswith(b"PK") and chance.random() < 0.7:
        # Inside a member: damage to the archive itself is seen before anything is read.
        return _mutate_member(content, samples, chance)
    if chance.random() < 0.1:
        return _splice(content, chance.choice(samples).content, chance)
    return chance.choice(_MUTATIONS)(content, chance)


def _mutate_member(content: bytes, samples: Sequence[Sample], chance: random.Random) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError):
        return chance.choice(_MUTATIONS)(content, chance)
    if not members:
        return content
    chosen = chance.randrange(len(members))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, (name, data) in enumerate(members):
            archive.writestr(
                name, chance.choice(_MUTATIONS)(data, chance) if place == chosen else data
            )
    return out.getvalue()


def _splice(content: bytes, other: bytes, chance: random.Random) -> bytes:
    return content[: _place(content, chance)] + other[_place(other, chance) :]


def _flip(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content or b"x")
    for _ in range(chance.choice((1, 4, 32, 256))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _truncate(content: bytes, chance: random.Random) -> bytes:
    return content[: _place(content, chance)]


def _delete(content: bytes, chance: random.Random) -> bytes:
    first, last = sorted((_place(content, chance), _place(content, chance)))
    return content[:first] + content[last:]


def _duplicate(content: bytes, chance: random.Random) -> bytes:
    start = _place(content, chance)
    piece = content[start : start + chance.choice((10, 100, 1000, 10_000))]
    times = min(chance.choice((2, 20, 2000)), _MAX_GROWTH_BYTES // max(len(piece), 1))
    return content[:start] + piece * times + content[start:]


def _repeat_token(content: bytes, chance: random.Random) -> bytes:
    place, token = _place(content, chance), chance.choice(_TOKENS)
    times = min(chance.choice((1, 50, 5000, 50_000)), _MAX_GROWTH_BYTES // len(token))
    return content[:place] + token * times + content[place:]


def _change_number(content: bytes, chance: random.Random) -> bytes:
    numbers = list(_NUMBER.finditer(content[:_MAX_GROWTH_BYTES]))
    if not numbers:
        return _flip(content, chance)
    match = chance.choice(numbers)
    return content[: match.start()] + chance.choice(_NUMBERS) + content[match.end() :]


def _place(content: bytes, chance: random.Random) -> int:
    return chance.randrange(len(content) + 1)


_MUTATIONS: Sequence[Mutation] = (
    _flip,
    _truncate,
    _delete,
    _duplicate,
    _repeat_token,
    _change_number,
)
