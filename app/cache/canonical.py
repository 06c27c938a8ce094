"""The canonical text of a question: equal for questions that differ in form alone.

Case, punctuation around words, white space, articles and what people say to be polite do not change
what is asked. Word order, prepositions, plurals, numbers and negations do, and stay: "made to
British order" is not "made from a British order". What looks like punctuation and is none stays
too: C# is not C, and -5 is not 5.

English only; other languages get `light`, which changes nothing but Unicode's forms, white space
and case.
"""

import re
import unicodedata
from collections.abc import Sequence

from app.settings.cold.cache import CanonicalForm

_MAX_CHARS = 1_000
"""A longer text is pasted, and no question: it counts as it stands."""
_FRAMES = 3
"""Polite words that are taken off each end at most."""
_QUOTES = str.maketrans(dict.fromkeys("‘’‚‛′", "'") | dict.fromkeys("“”„‟″«»", '"'))
_ASKS = (
    r"(?:what|who|whom|whose|when|where|why|which|how|is|are|was|were|do|does|did|has|have|can|"
    r"could|will|would|should|shall|may|must|i|please|tell)\b"
)
_POINT = r"[\s,.;:!?-]"
_FIRST = re.compile(
    rf"""(?:
        (?:hi|hello|hey|good\ (?:morning|afternoon|evening))
            (?:\ (?:there|all|everyone|everybody|team))?(?:{_POINT}*[,.;:!-]{_POINT}*|\ (?={_ASKS}))
      | please(?!\ please\b){_POINT}+
      | (?:thanks|thank\ you)(?:\ (?:in\ advance|so\ much|very\ much|a\ lot))?
            {_POINT}*[,.;:!-]{_POINT}*
      | (?:(?:can|could|would|will)\ you\ )(?:please\ )?tell\ me{_POINT}+
      | do\ you\ know{_POINT}+
      | (?:i\ want|i\ would\ like|i'd\ like)\ to\ know{_POINT}+
      | tell\ me{_POINT}+
    )""",
    re.VERBOSE,
)
_POINTS = " ,.;:!?-"
_LAST = tuple(
    sorted(
        (
            "please",
            *(
                f"{thanks}{much}"
                for thanks in ("thanks", "thank you")
                for much in ("", " in advance", " so much", " very much", " a lot")
            ),
            *(
                f"{can} you {please}tell me"
                for can in ("can", "could", "would", "will")
                for please in ("", "please ")
            ),
            *(
                "do you know",
                "i want to know",
                "i would like to know",
                "i'd like to know",
                "tell me",
            ),
        ),
        key=len,
        reverse=True,
    )
)
_NAMES_A_WORD = frozenset(
    """a an and as for from in is like mean means of or say saying says said spell the to than with
    word words write""".split()  # noqa: SIM905
)
"""After one of them without a comma, "thanks" is what is asked about: "how do I say thanks"."""
_CONTRACTED = {
    **{
        f"{word}'s": f"{word} is"
        for word in "what who where when why how that there here it he she".split()  # noqa: SIM905
    },
    **{
        f"{word}n't": f"{word} not"
        for word in (
            "is are was were do does did has have had could should would must need".split()  # noqa: SIM905
        )
    },
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "let's": "let us",
    "i'm": "i am",
}
_ENDINGS = {"'re": " are", "'ve": " have", "'ll": " will"}
_LETTERED = frozenset(
    """appendix class column exhibit factor figure grade group hepatitis influenza level line model
    option part phase plan point row section series site step table team type variable version
    vitamin""".split()  # noqa: SIM905
)
"""After one of them "a" is a letter: vitamin A."""
_OPENING, _CLOSING = "\"'([{¿¡", "\"')]},;:.…"


def canonical(text: str, form: CanonicalForm = "full") -> str:
    """Returns the canonical text of a question, which is never empty where the question is not.

    What has several lines, or is too long for a question, is returned as it stands.

    >>> canonical("Hello! Can you tell me what's the capital of France, please?")
    'what is capital of france'
    >>> canonical("What is C#?") == canonical("What is C?")
    False
    """
    stripped = text.strip()
    if len(stripped) > _MAX_CHARS or len(stripped.splitlines()) > 1:
        return text
    plain = " ".join(_compatible(stripped).split())
    if form == "light":
        return plain.casefold()
    framed = plain.translate(_QUOTES)
    words = _without_points(_without_frames(framed))
    written_out = [part for word in words for part in _written_out(word)]
    kept = _without_articles(written_out)
    return " ".join(word.casefold() for word in kept) or plain.casefold()


def _compatible(text: str) -> str:
    """Returns Unicode's form NFKC, in which 2⁵ does not become 25, nor 1½ 11/2."""
    marked = []
    for char in text:
        kind = unicodedata.decomposition(char).partition(" ")[0]
        marked.append({"<super>": "^", "<sub>": "_", "<fraction>": " "}.get(kind, "") + char)
    return unicodedata.normalize("NFKC", "".join(marked))


def _without_frames(text: str) -> str:
    """Returns the text without what people say to be polite, at its ends."""
    for _ in range(_FRAMES):
        folded = text.casefold()
        if len(folded) != len(text):  # places would not fit
            return text
        first = _FIRST.match(folded)
        rest = text[first.end() :] if first else text
        if not _says_something(rest):
            return text
        rest = _without_last(rest)
        if rest == text:
            return text
        text = rest
    return text


def _without_last(text: str) -> str:
    """Returns the text without a polite end, where the words before it are no question about just
    that word."""
    folded = text.casefold().rstrip(_POINTS)
    phrase = next((phrase for phrase in _LAST if folded.endswith(phrase)), None)
    if phrase is None:
        return text
    before = folded.removesuffix(phrase)
    shorter = before.rstrip(_POINTS)
    parting = before[len(shorter) :]
    if not parting or not _says_something(shorter):
        return text
    word = shorter.rpartition(" ")[2].strip(_CLOSING)
    if not parting.strip() and word in _NAMES_A_WORD:
        return text
    return text[: len(shorter)]


def _says_something(text: str) -> bool:
    return any(map(str.isalnum, text))


def _without_points(text: str) -> list[str]:
    """Returns the words without the punctuation around them that only sentences have."""
    words = text.split(" ")
    bare = [_bare(word) for word in words]
    if bare:
        bare[-1] = _bare(_without_end(words[-1]))
    return [word for word in bare if word]


def _bare(word: str) -> str:
    """Returns a word without commas, quotes and brackets around it. A sign after a number may be
    its unit, and a pair of brackets behind a name is a call."""
    while word:
        if word[0] in _OPENING:
            word = word[1:]
        elif word[-1] in _CLOSING and not (word[-1] in "\"'" and word[-2:-1].isdigit()):
            if word.endswith("::"):
                return word
            word = word[:-1]
        else:
            return word
    return ""


def _without_end(word: str) -> str:
    """Returns the last word without the marks that end a question; 5! is a number."""
    while word and (word[-1] == "?" or (word[-1] == "!" and not word[-2:-1].isdigit())):
        word = word[:-1].rstrip(".,")
    return word


def _written_out(word: str) -> Sequence[str]:
    """Returns a word, or the words that it is short for."""
    folded = word.casefold()
    known = _CONTRACTED.get(folded)
    if known is None:
        for ending, full in _ENDINGS.items():
            if folded.endswith(ending) and len(folded) > len(ending):
                known = folded.removesuffix(ending) + full
    return (word,) if known is None else known.split()


def _without_articles(words: Sequence[str]) -> list[str]:
    """Returns the words without articles. An "a" that ends the question, that is a capital among
    small words, or that follows a word such as "vitamin" is a letter."""
    others_are_small = any(word[:1].islower() for word in words[1:])
    kept = []
    for place, word in enumerate(words):
        folded = word.casefold()
        is_last = place == len(words) - 1
        is_letter = folded == "a" and (
            (word == "A" and place > 0 and others_are_small)
            or (place > 0 and words[place - 1].casefold() in _LETTERED)
        )
        if folded not in ("a", "an", "the") or is_last or is_letter:
            kept.append(word)
    return kept
