"""Random streams whose blocked terms are known: what of them leaves, and what is lost."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from deployments.moderation.blocklist import Blocklist, BlocklistStream
from deployments.moderation.held_text import HeldText

_SEPARATORS = (" ", " ", " ", "-", ", ", "\n", "  ", "_", "…", "\u200b ")
_MAX_PIECE_CHARS = 8
_TERM_SHARE = 0.5
_UNSEEN = "\u200b\u00ad"


@dataclass(slots=True)
class Leaks:
    """What became of streams: characters of terms that left, and of texts without a term that did
    not."""

    streams: int = 0
    with_term: int = 0
    leaked_chars: int = 0
    lost_chars: int = 0


def measure_leaks(words: Sequence[str], *, streams: int, seed: int) -> Leaks:
    """Returns what leaves of random texts, in random pieces, with random separators and cases.

    Where terms stand is known from a regular expression over each whole text, which shares no code
    with what is measured.

    Args:
        words: Words that texts and terms are made of.
        streams: How many texts.
        seed: Draws them.
    """
    chance = random.Random(seed)
    result = Leaks(streams)
    for _ in range(streams):
        terms = [" ".join(chance.choices(words, k=chance.randint(1, 3))) for _ in range(4)]
        text = _text(words, terms, chance)
        starts = [start for term in terms for start in _starts(term, text)]
        held = HeldText([BlocklistStream(Blocklist({"list": terms}))])
        left = "".join([*map(held.feed, _pieces(text, chance)), held.finish()])
        if starts:
            result.with_term += 1
            result.leaked_chars += max(0, len(left) - min(starts))
        else:
            result.lost_chars += len(text) - len(left)
    return result


def _text(words: Sequence[str], terms: Sequence[str], chance: random.Random) -> str:
    parts: list[str] = []
    for _ in range(chance.randint(5, 40)):
        said = chance.choice(terms) if chance.random() < _TERM_SHARE / 20 else chance.choice(words)
        for word in said.split():
            spelled = "".join(
                (chance.choice(_UNSEEN) if chance.random() < 0.03 and place else "")
                + (character.upper() if chance.random() < 0.3 else character)
                for place, character in enumerate(word)
            )
            parts += [spelled, chance.choice(_SEPARATORS)]
    return "".join(parts)


def _starts(term: str, text: str) -> list[int]:
    unseen = f"[{_UNSEEN}]*"
    words = [unseen.join(map(re.escape, word)) for word in term.split()]
    gap = rf"{unseen}(?:[\W_]+)"
    behind = rf"{unseen}(?![^\W_]|[{_UNSEEN}])"
    pattern = rf"(?<![^\W_])(?<![^\W_][{_UNSEEN}])(?={gap.join(words)}{behind})"
    return [match.start() for match in re.finditer(pattern, text, re.IGNORECASE)]


def _pieces(text: str, chance: random.Random) -> list[str]:
    pieces, place = [], 0
    while place < len(text):
        step = chance.randint(1, _MAX_PIECE_CHARS)
        pieces.append(text[place : place + step])
        place += step
    return pieces
