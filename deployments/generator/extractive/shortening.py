"""An answer cut to what a request allows: so many words, or up to a text that ends it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deployments.contracts.generation import Citation, FinishReason
from deployments.generator.extractive.reading.terms import word_ends


@dataclass(frozen=True, slots=True)
class Shortened:
    """What is left of an answer, with the citations of that, and why it ends there."""

    text: str
    citations: tuple[Citation, ...]
    finish_reason: FinishReason


def shortened(
    text: str, citations: Sequence[Citation], *, max_words: int | None, stop: Sequence[str]
) -> Shortened:
    """Returns the answer up to the first of the stop texts, which is not in it, and with at most so
    many words: what comes first decides."""
    places = [place for ending in stop if (place := text.find(ending)) >= 0]
    end = min(places, default=len(text))
    reason: FinishReason = "stop"
    if max_words is not None:
        ends = word_ends(text[:end])
        if len(ends) > max_words:
            end, reason = _behind_mark(text, ends[max_words - 1]), "length"
    kept = (replace(one, end=min(one.end, end)) for one in citations if one.start < end)
    return Shortened(text[:end], tuple(kept), reason)


def _behind_mark(text: str, end: int) -> int:
    """Returns the place behind a citation whose number is the last word."""
    return end + 1 if text[end : end + 1] == "]" else end
