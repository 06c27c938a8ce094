"""What cuts text into words for the lexical index: passages and queries alike.

Stop words stay in passages, and count for a query that has nothing else. Otherwise queries lose
them: BM25 weighs them down by itself, but many of them outweigh a rare word (nDCG@10 of BM25 on
Cranfield .420 without them, .413 with them; on SQuAD 2.0 .899 and .893).
"""

import unicodedata
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tantivy import TextAnalyzer

_MAX_WORD_BYTES = 64
"""Longer ones are not words, and each would be a term of its own."""

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts that put no blanks between words; they go by character."""

_WORDS = rf"[{_UNSPACED}]|[[\p{{L}}\p{{N}}\p{{M}}]--[{_UNSPACED}]]+"


def make_analyzer(*, stop_words: Collection[str] = ()) -> "TextAnalyzer":
    """Returns what gives the words of a text: letters and digits, without case and accents, English
    endings removed. Other languages are read by the same rules.

    Args:
        stop_words: Words to leave out, in lower case.
    """
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.regex(_WORDS))
    for step in (
        Filter.remove_long(_MAX_WORD_BYTES),
        Filter.lowercase(),
        Filter.ascii_fold(),
        Filter.custom_stopword(sorted(stop_words)),
        Filter.stemmer("english"),
    ):
        builder = builder.filter(step)
    return builder.build()


def normalized(text: str) -> str:
    """Returns the text in one spelling per character; lone surrogates, which are no characters, are
    replaced.

    Source: Unicode Standard Annex 15, form NFKC.
    """
    return unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode("utf-8"))
