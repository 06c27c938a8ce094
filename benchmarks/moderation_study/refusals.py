"""Texts that are refused although no term stands in them as words."""

import re
from collections.abc import Sequence

from deployments.moderation.blocklist import Blocklist

INSIDE_OF_OTHERS = (
    *("ass", "arse", "cock", "cum", "hell", "hoe", "horn", "peg", "penis", "pussy", "rape"),
    *("sex", "shit", "tit", "twat", "cunt", "dyke", "slag", "spic", "anal"),
)
"""Words that stand inside of harmless ones, such as names of places."""


def measure_refusals(texts: Sequence[str], terms: Sequence[str]) -> dict[str, int]:
    """Returns how many texts a list refuses, how many of these wrongly, and how many a search for
    parts of words would refuse.

    A refusal is wrong where a regular expression finds the term in no place as whole words.
    """
    blocklist = Blocklist({"list": terms})
    parts = re.compile("|".join(map(re.escape, terms)), re.IGNORECASE)
    words = re.compile(
        rf"(?<![^\W_])(?:{'|'.join(re.escape(term) for term in terms)})(?![^\W_])", re.IGNORECASE
    )
    refused = [text for text in texts if blocklist.categories(text)]
    return {
        "texts": len(texts),
        "refused": len(refused),
        "refused_wrongly": sum(words.search(text) is None for text in refused),
        "missed": sum(
            words.search(text) is not None and not blocklist.categories(text) for text in texts
        ),
        "refused_by_parts_of_words": sum(parts.search(text) is not None for text in texts),
    }
