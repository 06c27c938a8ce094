"""Yes or no: what a sentence says to a question that asks for one of them.

It is read from negation and opposites in the clause that speaks of the question. Where the sentence
lacks too much of the question, nothing is said: the reader decides.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from deployments.generator.extractive.asking.contrasts import count_contrasts
from deployments.generator.extractive.reading.analysis import Sentence, analyse_sentence
from deployments.generator.extractive.sentence_scoring import Candidate

Head = Literal["Yes", "No"]

_ASKS = re.compile(
    r"^(?:so |and |but )?(?:is|are|was|were|am|do|does|did|can|could|may|might|must|should|shall|"
    r"will|would|has|have|had|isn't|aren't|don't|doesn't|can't|won't|shouldn't)\b",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"\bor\b(?! not\b)", re.IGNORECASE)
_SAYS = re.compile(r"^(?:yes|no|nope|yep|yeah)\b", re.IGNORECASE)
_CLAUSES = re.compile(r"(?:,|;|:|—|–)\s+|\s+(?:but|while|whereas|although|though|because)\s+", re.I)
_NOT_ONLY = re.compile(r"\bnot (?:just|only|necessarily)\b[^,;.]*|\bno matter\b", re.IGNORECASE)
_SWITCHES = ((" off ", " on "), (" false ", " true "), ("disabled", "enabled"))
_MIN_COVERAGE = 0.45
_DECISIVE, _SWITCHED, _MIN_DECISIVE_COVERAGE = 1.2, 3.0, 0.15
_READ = 16
"""Likely sentences that are read for what they decide."""
_ANSWERS_ABOVE = 10.0
"""For a yes or no of the document itself, below a heading that asks the same."""
_MIN_CLAUSE_SHARE = 0.5
"""Share of the question's terms in a sentence that its best clause has to hold to be read alone."""


def asks_yes_or_no(question: Sentence) -> bool:
    """Returns whether a question is answered by yes or no; one that gives a choice is not."""
    return bool(_ASKS.match(question.text)) and not _CHOICE.search(question.text)


def says_it_below(question: Sentence, candidate: Candidate) -> bool:
    """Returns whether a sentence begins with yes or no below a heading that asks the question."""
    asked = question.terms & candidate.around
    return _SAYS.match(candidate.sentence.text) is not None and 2 * len(asked) > len(question.terms)


def preferring_decisive(question: Sentence, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Returns the candidates, of which those that say no to a question for yes or no count more:
    a sentence that only speaks of the subject is seldom negated."""
    likely = sorted(candidates, key=lambda one: -one.score)[:_READ]
    places = {one.order for one in likely}
    return [_weighed(question, one, is_likely=one.order in places) for one in candidates]


def _weighed(question: Sentence, candidate: Candidate, *, is_likely: bool) -> Candidate:
    if says_it_below(question, candidate):
        # The heading is the question, of which the answer repeats nothing.
        score = candidate.score + _decides(question, candidate)
        return replace(candidate, score=score, coverage=candidate.support)
    if not is_likely:
        return candidate
    return replace(candidate, score=candidate.score + _decides(question, candidate))


def _decides(question: Sentence, candidate: Candidate) -> float:
    sentence = candidate.sentence
    if _SAYS.match(sentence.text):
        above = len(question.terms & (candidate.around | candidate.matched))
        return _ANSWERS_ABOVE * above / max(len(question.terms), 1)
    if candidate.coverage < _MIN_DECISIVE_COVERAGE:
        return 0.0
    if _is_switched(question.text, sentence.text):
        return _SWITCHED
    return _DECISIVE * (_clause(question, sentence).is_negated != question.is_negated)


def head_of(question: Sentence, best: Candidate) -> Head | None:
    """Returns what the best sentence says to a question that asks for yes or no; None where it
    says so itself, or cannot be read."""
    sentence = best.sentence
    if _SAYS.match(sentence.text) or not asks_yes_or_no(question):
        return None
    terms = question.terms
    if best.coverage < _MIN_COVERAGE and not terms <= (best.matched | best.around):
        return None
    clause = _clause(question, sentence)
    is_no = clause.is_negated != question.is_negated
    if count_contrasts(question.stems, clause.stems) or _is_switched(question.text, clause.text):
        is_no = not is_no
    return "No" if is_no else "Yes"


def _clause(question: Sentence, sentence: Sentence) -> Sentence:
    """Returns the clause that has the most of the question, the last of equal ones."""
    text = _NOT_ONLY.sub(" ", sentence.text)
    clauses = [analyse_sentence(clause) for clause in _CLAUSES.split(text) if clause.strip()]
    if not clauses:
        return sentence
    best = max(clauses, key=lambda one: len(question.terms & one.terms))
    shared = len(question.terms & best.terms)
    equal = [one for one in clauses if len(question.terms & one.terms) == shared]
    whole = analyse_sentence(text)
    return (
        equal[-1]
        if shared >= _MIN_CLAUSE_SHARE * len(question.terms & whole.terms) and shared > 1
        else whole
    )


def _is_switched(question: str, clause: str) -> bool:
    asked, said = f" {question.lower().rstrip('?')} ", f" {clause.lower().rstrip('.')} "
    return any(
        (one in asked and other in said and one not in said)
        or (other in asked and one in said and other not in said)
        for one, other in _SWITCHES
    )
