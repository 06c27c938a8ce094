"""The words of a text, and which of them are the same."""

import re
import threading
from functools import lru_cache
from typing import TYPE_CHECKING

import regex

from deployments.stop_words import STOP_WORDS
from deployments.words.folding import fold
from deployments.words.scripts import UNSPACED, pair_ends, pairs
from deployments.words.spelling import plain

if TYPE_CHECKING:
    from snowballstemmer.english_stemmer import EnglishStemmer

_NUMBER = r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\w,])"
_WORD = re.compile(rf"{_NUMBER}|[^\W_]+(?:['.-][^\W_]+)*")
_LETTERS = rf"[[\p{{L}}\p{{N}}\p{{M}}]--[{UNSPACED}]]"
_RUN = rf"[[{UNSPACED}]&&[\p{{L}}\p{{M}}\p{{N}}]]+"
_ANY_WORD = regex.compile(rf"(?P<run>{_RUN})|{_NUMBER}|{_LETTERS}+(?:['.-]{_LETTERS}+)*", regex.V1)
_ASKING = re.compile(
    "什么时候|什麼時候|为什么|為什麼|什么|什麼|多少|多久|多长|多長|怎么|怎麼|如何|哪些|哪里|哪裡|哪个|哪個|是否|几|幾|吗|嗎|呢"
    "|ですか|ますか|でしょうか|何ですか|いつ|どこ|だれ|どの|どう|なぜ|いくつ|いくら|何"
    "|무엇|언제|어디|누구|얼마|어떻게|몇"
)
"""What makes a question of a text in a script without blanks, and is said in no answer."""
_VERSION = re.compile(r"^v(?=\d)")
_local = threading.local()
_KEPT_STEMS = 65_536
"""Words whose stem is known; to find one takes longer than all else that is done with a word."""
_MAX_WORD_CHARS = 64
"""Longer ones are not words, and are told apart by their start: what is kept stays small."""


def terms(text: str) -> list[str]:
    """Returns the stems of the words that are not stop words, in reading order; a compound counts
    as its parts."""
    return [stem(part) for word in words(text) for part in parts(word) if part not in STOP_WORDS]


def parts(word: str) -> list[str]:
    """Returns the words that a compound consists of; the word itself where it is none, or one that
    is spelled without a hyphen as well, such as `e-mail`."""
    if "-" not in word or "-" not in plain(word.lower()):
        return [word]
    return [part for part in word.split("-") if part]


def words(text: str) -> list[str]:
    """Returns the words of a text in lower case."""
    return [word.lower() for word in raw_words(text)]


def raw_words(text: str) -> list[str]:
    """Returns the words of a text as they stand there; in scripts that put no blanks between words
    every pair of neighbours is one."""
    if text.isascii():
        return _WORD.findall(text)
    text = text.replace("’", "'")
    found: list[str] = []
    for match in _ANY_WORD.finditer(text):
        found += pairs(match.group()) if match["run"] else [match.group()]
    return found


def word_ends(text: str) -> list[int]:
    """Returns where each word of `raw_words` ends."""
    if text.isascii():
        return [match.end() for match in _WORD.finditer(text)]
    found: list[int] = []
    for match in _ANY_WORD.finditer(text.replace("’", "'")):
        inner = pair_ends(match.group()) if match["run"] else [len(match.group())]
        found += (match.start() + end for end in inner)
    return found


def without_asking(question: str) -> str:
    """Returns a question without the words that only ask, where its script has no blanks: each of
    them would be a pair with its neighbours, and no answer has them."""
    return question if question.isascii() else _ASKING.sub(" ", question)


def stem(word: str) -> str:
    """Returns the English stem of a word in lower case, without accents and in one spelling:
    `jumièges` and `jumieges` are the same name, `colour` and `color` the same word."""
    return _stem(word[:_MAX_WORD_CHARS])


@lru_cache(maxsize=_KEPT_STEMS)
def _stem(word: str) -> str:
    stemmed: str = _stemmer().stemWord(plain(_VERSION.sub("", fold(word))))
    return stemmed


def _stemmer() -> "EnglishStemmer":
    """Returns this thread's stemmer: it works on the word inside itself, so threads cannot share
    one."""
    import snowballstemmer

    if not hasattr(_local, "stemmer"):
        _local.stemmer = snowballstemmer.stemmer("english")
    stemmer: EnglishStemmer = _local.stemmer
    return stemmer
