"""Whether a sentence says what something is."""

import re

from deployments.generator.extractive.reading.analysis import Sentence, analyse_sentence

_ASKS = re.compile(
    r"^(?:what|who)(?:'s| is| are| was| were)(?: an?| the)? (?P<one>.+?)\??$"
    r"|^what (?:does|do) (?:an?|the)?\s*(?P<two>.+?) (?:mean|stand for)\??$"
    r"|^(?:define|explain|describe)(?: an?| the)? (?P<three>.+?)[?.]?$",
    re.IGNORECASE,
)
_WITHIN = re.compile(r"\s+(?:in|of|for|with|on|by|about)\s+", re.IGNORECASE)
_COLON = re.compile(r"\s*[:–—]\s|\s+-\s")
_APPOSITION = re.compile(r",\s[^,.;]{1,60},\s\w+s\b")
_SAYS = frozenset(
    "is are was were means mean refers denotes stands describes names says consists".split()  # noqa: SIM905
)
_MAX_TERMS = 4
_MAX_BETWEEN = 3
"""Words between what is defined and the verb, as in `A lease (or hire) is`."""


def asked_term(question: Sentence) -> Sentence | None:
    """Returns what a question wants to have defined; None where it asks for something else."""
    match = _ASKS.match(question.text.strip())
    if match is None:
        return None
    asked = next(part for part in match.groups() if part)
    named = analyse_sentence(_WITHIN.split(asked)[0])
    return named if 0 < len(named.terms) <= _MAX_TERMS else None


def defines(sentence: Sentence, term: Sentence) -> bool:
    """Returns whether a sentence begins with what is to be defined, and goes on to say what it
    is."""
    places = [sentence.places[one][0] for one in term.terms if one in sentence.places]
    if len(places) < len(term.terms):
        return False
    last = max(places)
    if last > len(term.words) + 1:
        return False
    names = re.escape(sentence.words[last])
    found = re.match(rf"\W*(?:\w+\W+){{0,{last}}}?{names}\w*", sentence.text, re.IGNORECASE)
    rest = sentence.text[found.end() :] if found else ""
    if _COLON.match(rest) or _APPOSITION.match(rest):
        return True
    behind = sentence.words[last + 1 : last + 2 + _MAX_BETWEEN]
    return any(
        word in _SAYS or (place == 0 and word.endswith("s")) for place, word in enumerate(behind)
    )
