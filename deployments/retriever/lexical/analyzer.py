"""What cuts text into terms for the lexical index: passages and queries alike.

Stop words stay in passages, and count for a query that has nothing else. Otherwise queries lose
them: BM25 weighs them down by itself, but many of them outweigh a rare word (nDCG@10 of BM25 on
Cranfield .420 without them, .413 with them; on SQuAD 2.0 .899 and .893).
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

from deployments.words.identifiers import cased_names, identifiers

if TYPE_CHECKING:
    from tantivy import TextAnalyzer

_MAX_WORD_BYTES = 512
"""What is longer was not made by `searchable`."""


def make_analyzer(*, stop_words: Collection[str] = ()) -> "TextAnalyzer":
    """Returns what gives the words of a text that `searchable` has made: English endings removed.
    Other languages are read by the same rules.

    Args:
        stop_words: Words to leave out, in lower case.
    """
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.whitespace())
    for step in (
        Filter.remove_long(_MAX_WORD_BYTES),
        Filter.custom_stopword(sorted(stop_words)),
        Filter.stemmer("english"),
    ):
        builder = builder.filter(step)
    return builder.build()


def make_whole_analyzer() -> "TextAnalyzer":
    """Returns what gives the terms of a text that are parted by blanks, as they stand there."""
    from tantivy import TextAnalyzerBuilder, Tokenizer

    return TextAnalyzerBuilder(Tokenizer.whitespace()).build()


def whole_terms(text: str) -> list[str]:
    """Returns what counts as a whole in a text: codes of several parts, and stop words that are
    spelled as names. A code of one part is a word already."""
    return [*(code for code in identifiers(text) if not code.isalnum()), *cased_names(text)]
