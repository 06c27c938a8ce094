"""Whether an answer is right, half right, wrong or a refusal."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.documentation_study.questions import Question
from benchmarks.documentation_study.wholeness import Blocks, shown_kinds
from benchmarks.quality.subject import Answered
from deployments.contracts.generation import without_citations

Verdict = Literal["right", "half", "wrong", "refused"]
VERDICTS: tuple[Verdict, ...] = ("right", "half", "wrong", "refused")
_MAX_PROSE_WORDS = 160
"""An answer of more prose than this is a page and no answer: half right at best."""
_FENCED = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.M | re.S)
_MARKS = re.compile(r"[`*]")


@dataclass(frozen=True, slots=True)
class Judged:
    """A question, its answer, what the answer is, and what is torn in it."""

    question: Question
    answer: Answered
    verdict: Verdict
    torn: tuple[str, ...]


def judge(question: Question, answer: Answered, blocks: Blocks) -> Judged:
    """Returns what an answer is.

    Half right is what holds a part of what it must, or all of it in a form that nobody would sign:
    torn, without the block that was asked for or the yes or no, or far too long.
    """
    torn = tuple(blocks.torn_in(answer.text)) if answer.grounded else ()
    return Judged(question, answer, _verdict(question, answer, torn), torn)


def _verdict(question: Question, answer: Answered, torn: Sequence[str]) -> Verdict:
    text = _normal(without_citations(answer.text))
    held = [any(_holds(text, one) for one in group) for group in question.must]
    if not answer.grounded:
        # In another language it is enough to say that there is nothing in it.
        says_why = question.type == "other-language" and all(held)
        return "right" if not question.answerable or says_why else "refused"
    if not question.answerable or any(_holds(text, one) for one in question.must_not):
        return "wrong"
    first = next(iter(re.findall(r"\w+", text)), "")
    if not any(held) or (question.head and first in {"yes", "no"} - {question.head}):
        return "wrong"
    is_in_form = (
        not torn
        and (not question.head or first == question.head)
        and (question.block is None or question.block in shown_kinds(answer.text))
        and len(_FENCED.sub("", answer.text).split()) <= _MAX_PROSE_WORDS
    )
    return "right" if all(held) and is_in_form else "half"


def summarise(judged: Sequence[Judged]) -> dict[str, Any]:
    """Returns the counts of verdicts, of all and by type, and what is torn."""
    types = dict.fromkeys(one.question.type for one in judged)
    return {
        "questions": len(judged),
        "right_share": round(sum(one.verdict == "right" for one in judged) / len(judged), 3),
        **_counts(judged),
        "torn_answers": sum(bool(one.torn) for one in judged),
        "torn": dict(Counter(kind for one in judged for kind in one.torn)),
        "by_type": {
            kind: _counts(one for one in judged if one.question.type == kind) for kind in types
        },
    }


def _counts(judged: Iterable[Judged]) -> Mapping[str, int]:
    counted = Counter(one.verdict for one in judged)
    return {verdict: counted[verdict] for verdict in VERDICTS}


def _normal(text: str) -> str:
    return " ".join(_MARKS.sub("", text).lower().split())


def _holds(text: str, wanted: str) -> bool:
    """Returns whether a normalised text has another one, at the bounds of words."""
    found = re.escape(_normal(wanted))
    return re.search(rf"(?<!\w){found}(?!\w)" if wanted[:1].isalnum() else found, text) is not None
