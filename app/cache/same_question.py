"""Whether two questions ask the same in other words: the gate of `semantic: verified`.

It compares words and no meaning. Nearness of vectors cannot tell them apart: "which could be X" and
"which could not be X" are nearer to each other than two ways to ask one thing. So all words must be
the same, in the same order, but for those differences that change nothing of what is asked: where
an auxiliary stands, how a question is led into, and how a word is spelled. Numbers, units, names,
negations, prepositions and question words are words as all others are.

English only, as the canonical text that it reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.cache.canonical import canonical
from deployments.words.spelling import spelled

_MAX_WORDS = 60
"""A question is shorter; a longer one has to be equal to be the same."""
_QUESTION_WORDS = frozenset(
    "what which who whom whose when where why how".split()  # noqa: SIM905
)
_MOVING = {
    **dict.fromkeys(("am", "is", "are"), "is"),
    **dict.fromkeys(("was", "were"), "was"),
    **{word: word for word in "can could will would shall should may might must".split()},  # noqa: SIM905
}
"""Auxiliaries, which stand before the subject in a question and behind it in "tell me what ...".
Their tense counts, and their number does not. "Have" and "did" stay where they are: they are verbs
as well, which part who has from what is had."""
_HAVE = {"have": "has"}
_DO = frozenset(("do", "does"))
_PREPOSITIONS = frozenset("at by during for from in of on to under with".split())  # noqa: SIM905
_LEADS = tuple(
    tuple(lead.split())
    for lead in (
        "i wonder",
        "i am wondering",
        "i was wondering",
        "i need to know",
        "i would like to understand",
        "i want to understand",
        "does anyone know",
        "does anybody know",
        "do you happen to know",
        "help me understand",
        "can you explain to me",
        "could you explain to me",
        "can you explain",
        "could you explain",
        "explain to me",
        "explain",
        "let me know",
        "any idea",
        "so",
        "ok",
        "okay",
        "well",
    )
)
"""What a question may be led into with; of two that begin alike, the longer one is first."""
_WAYS: dict[tuple[str, ...], tuple[str, ...]] = {
    **dict.fromkeys(
        (
            ("how", "do", "i"),
            ("how", "does", "one"),
            ("how", "can", "i"),
            ("how", "can", "one"),
            ("how", "would", "i"),
            ("how", "would", "one"),
            ("how", "could", "i"),
        ),
        ("how", "to"),
    ),
    ("where", "do", "i"): ("where", "to"),
    ("where", "can", "i"): ("where", "to"),
}
"""Ways to ask how something is done by anybody. "How do you" may be about who is asked."""
_STRESSING = frozenset(("exactly", "actually"))


@dataclass(frozen=True, slots=True)
class QuestionForm:
    """What of a question counts.

    Attributes:
        words: All its words in their order, without those below.
        auxiliaries: Its auxiliaries, sorted.
        has_do: Whether it has a "do" that only a direct question has.
    """

    words: tuple[str, ...]
    auxiliaries: tuple[str, ...]
    has_do: bool

    def kin(self) -> tuple[str, ...]:
        """Returns what is equal for all questions that may ask the same. Equal kin is no proof."""
        return (*map(_without_s, self.words), "/", *self.auxiliaries)


def form_of(text: str) -> QuestionForm | None:
    """Returns the form of a question in English; None for what has to be equal to be the same, as a
    text of several lines has."""
    plain = canonical(text)
    words = plain.split(" ")
    if len(plain.splitlines()) > 1 or len(words) > _MAX_WORDS:
        return None
    words = [part for word in _without_lead(words) for part in spelled(word)]
    words = _without_stress(words)
    words = [*_WAYS.get(tuple(words[:3]), words[:3]), *words[3:]]
    kept: list[str] = []
    auxiliaries: list[str] = []
    has_do = False
    for place, word in enumerate(words):
        is_last = place == len(words) - 1
        if word in _MOVING:
            auxiliaries.append(_MOVING[word])
        elif word in _DO and not has_do and not is_last and _asks(words[:place]):
            has_do = True
        else:
            kept.append(_HAVE.get(word, word))
    if "which" in kept[:2] and (kept[0] == "which" or kept[0] in _PREPOSITIONS):
        kept[kept.index("which")] = "what"
    return QuestionForm(tuple(kept), tuple(sorted(auxiliaries)), has_do) if kept else None


def ask_the_same(one: QuestionForm, other: QuestionForm) -> bool:
    """Returns whether two questions ask the same: their words are equal, in the same order.

    A direct question with "do" may be an indirect one without it; there the verb, and nothing else,
    may have an s more.

    >>> direct = form_of("How does the queue work?")
    >>> indirect = form_of("Can you tell me how the queue works?")
    >>> ask_the_same(direct, indirect), ask_the_same(direct, form_of("How did the queue work?"))
    (True, False)
    """
    if one.auxiliaries != other.auxiliaries or len(one.words) != len(other.words):
        return False
    differing = [pair for pair in zip(one.words, other.words, strict=True) if pair[0] != pair[1]]
    if one.has_do == other.has_do or not differing:
        return not differing
    direct, indirect = differing[0] if one.has_do else differing[0][::-1]
    return len(differing) == 1 and direct.isalpha() and indirect in _third_persons(direct)


def _asks(before: Sequence[str]) -> bool:
    """Returns whether a "do" behind these words only makes a question of the sentence: it stands
    first, or soon behind a question word."""
    if not before:
        return True
    return before[0] in _QUESTION_WORDS and not any(
        word in _MOVING or word in ("to", "not") for word in before
    )


def _without_lead(words: list[str]) -> list[str]:
    """Returns the words of a question without what leads into it, where a question follows."""
    rest = words
    while lead := next((lead for lead in _LEADS if tuple(rest[: len(lead)]) == lead), None):
        rest = rest[len(lead) :]
    return rest if _begins_a_question(rest) else words


def _begins_a_question(words: Sequence[str]) -> bool:
    first, second = (*words[:2], "", "")[:2]
    return first in _QUESTION_WORDS | _MOVING.keys() | _DO or (
        first in _PREPOSITIONS and second in _QUESTION_WORDS
    )


def _without_stress(words: list[str]) -> list[str]:
    """Returns the words without an "exactly" that only stresses the question. Before a number and
    after other words it says how much."""
    kept = []
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        after = words[place + 1] if place + 1 < len(words) else ""
        stresses = before in _QUESTION_WORDS and (after in _MOVING or after in _DO)
        stresses |= place == len(words) - 1 and place > 1 and words[0] in _QUESTION_WORDS - {"how"}
        if word not in _STRESSING or not stresses:
            kept.append(word)
    return kept


def _without_s(word: str) -> str:
    """Returns what a verb and its third person share."""
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    stem = word.removesuffix("s")
    return stem.removesuffix("e")


def _third_persons(verb: str) -> tuple[str, ...]:
    """Returns what the third person of a verb may be spelled like."""
    return (f"{verb}s", f"{verb}es", f"{verb.removesuffix('y')}ies")
