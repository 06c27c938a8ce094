"""Scripts that put no blanks between words: what goes for a word there.

Every character counts, and every pair of neighbours: a pair says what is meant, as two characters
are a word more often than not, and a single one finds what a pair cuts in two. Korean has blanks,
but its words end in particles, so that it is read the same way.
"""

from collections.abc import Iterator

import regex

UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}々〆ー"
)
"""The characters, for a class of the library `regex`."""

_RUN = regex.compile(rf"[[{UNSPACED}]&&[\p{{L}}\p{{M}}\p{{N}}]]+", regex.V1)
_CHARACTER = regex.compile(r"\X")


def unspaced_runs(text: str) -> list[str]:
    """Returns the stretches of a folded text that are in such scripts."""
    return [] if text.isascii() else _RUN.findall(text)


def characters_and_pairs(run: str) -> Iterator[str]:
    """Yields the characters of a stretch, each followed by its pair with the next one."""
    characters = _CHARACTER.findall(run)
    for place, character in enumerate(characters):
        yield character
        if place + 1 < len(characters):
            yield character + characters[place + 1]


def pairs(run: str) -> list[str]:
    """Returns the pairs of neighbours of a stretch; the one character of a stretch that has no
    more."""
    characters = _CHARACTER.findall(run)
    if len(characters) < 2:
        return characters
    return [one + other for one, other in zip(characters, characters[1:], strict=False)]


def pair_ends(run: str) -> list[int]:
    """Returns where each of `pairs` ends."""
    ends = [match.end() for match in _CHARACTER.finditer(run)]
    return ends if len(ends) < 2 else ends[1:]


def spread(text: str) -> str:
    """Returns a folded text with every such stretch replaced by its characters and pairs."""
    if text.isascii():
        return text
    return _RUN.sub(lambda match: f" {' '.join(characters_and_pairs(match.group()))} ", text)
