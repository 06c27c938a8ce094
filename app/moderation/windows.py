"""Texts as a classifier is asked about them: sentences, each with those before it."""

from collections.abc import Sequence

from deployments.moderation.sentences import sentences

_CONTEXT_SENTENCES = 2
_MAX_WINDOWS = 256
"""Of one request; sentences of a longer text are judged several at a time."""


def windows(text: str, before: Sequence[str] = ()) -> list[str]:
    """Returns the sentences of a text, each after the two before it: what one says may be harmless
    by itself.

    Args:
        text: What is judged.
        before: Sentences that went before it.

    >>> windows("One. Two. Three. Four.")
    ['One. ', 'One. Two. ', 'One. Two. Three. ', 'Two. Three. Four.']
    """
    found = [one for one in sentences(text) if one.strip()]
    step = -(-len(found) // _MAX_WINDOWS) or 1
    context = list(before)[-_CONTEXT_SENTENCES:]
    row = [*context, *found]
    return [
        "".join(row[max(0, start - _CONTEXT_SENTENCES) : start + step])
        for start in range(len(context), len(row), step)
    ]


def last_sentences(text: str) -> list[str]:
    """Returns the end of a text as context of what follows."""
    return sentences(text)[-_CONTEXT_SENTENCES:]
