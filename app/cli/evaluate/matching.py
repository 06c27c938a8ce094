"""Whether a text says what is known to be right."""

import re
import string
from collections.abc import Iterable

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize(text: str) -> str:
    """Returns the text in lower case, without punctuation and articles, words one blank apart.

    Source: the official evaluation script of SQuAD, `normalize_answer`.

    >>> normalize("The  Queue, it's full!")
    'queue its full'
    """
    plain = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def holds_any(text: str, answers: Iterable[str]) -> bool:
    """Returns whether any of the answers stands in the text as whole words, both normalised."""
    padded = f" {normalize(text)} "
    wanted = (normalize(answer) for answer in answers)
    return any(f" {one} " in padded for one in wanted if one)
