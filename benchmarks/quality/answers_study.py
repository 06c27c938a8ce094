"""How good answers are, and how well what is refused is told from what is answered."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from app.cli.evaluate.matching import holds_any
from benchmarks.load.output import progress
from benchmarks.quality import bootstrap
from benchmarks.quality.answer_metrics import (
    refusal_curve,
    sentence_count,
    token_recall,
)
from benchmarks.quality.datasets import JudgedQuestion
from benchmarks.quality.in_flight import each
from benchmarks.quality.question_types import type_of, types_in
from benchmarks.quality.subject import Answered, Subject, whole
from deployments.contracts.generation import without_citations

ANSWERABILITY, GROUNDED = "answerability", "grounded"
_CURVE_BY = (ANSWERABILITY, "rerank", "dense", "score")
"""The first of them that answers have draws the curve."""


async def ask_all(
    subject: Subject, dataset: str, questions: Sequence[JudgedQuestion], *, at_once: int
) -> list[Answered]:
    """Returns the answer to each question."""
    return await ask_texts(subject, dataset, [one.text for one in questions], at_once)


async def ask_texts(
    subject: Subject, dataset: str, questions: Sequence[str], at_once: int
) -> list[Answered]:
    """Returns the answer to each text."""
    with progress(len(questions), f"{dataset}: answers") as steps:
        return await each(
            questions,
            lambda text: whole(lambda: subject.answer(text)),
            at_once=at_once,
            on_done=steps.done,
        )


def judge(
    questions: Sequence[JudgedQuestion], answers: Sequence[Answered], *, seed: int
) -> dict[str, Any]:
    """Returns the figures of a data set. Those that it says nothing of are left out: without short
    answers what is right, without near-misses how well they are refused.

    A refusal is not the right answer to an answerable question.
    """
    pairs = list(zip(questions, answers, strict=True))
    figures: dict[str, Any] = {
        "questions": len(pairs),
        "answerable": sum(question.answerable for question, _ in pairs),
        "answered": sum(answer.grounded for _, answer in pairs),
    }
    shares: dict[str, Sequence[float]] = {
        "gold_in_answer": [
            _is_right(question, answer) for question, answer in pairs if _has_gold(question)
        ],
        "gold_in_cited": [
            answer.grounded and any(holds_any(one, question.answers) for one in answer.cited)
            for question, answer in pairs
            if _has_gold(question)
        ],
        "token_recall": [
            token_recall(without_citations(answer.text), question.long_answer)
            for question, answer in pairs
            if question.long_answer and answer.grounded
        ],
        "sentences": [sentence_count(answer.text) for _, answer in pairs if answer.grounded],
        "coverage": [answer.grounded for question, answer in pairs if question.answerable],
        "answered_near_misses": [
            answer.grounded for question, answer in pairs if not question.answerable
        ],
    }
    if any(_has_gold(question) for question, _ in pairs):
        shares["risk"] = [
            not _is_right(question, answer)
            for question, answer in pairs
            if answer.grounded and (_has_gold(question) or not question.answerable)
        ]
    for name, values in shares.items():
        if values:
            figures[name] = bootstrap.mean(values, seed=seed).to_json()
    return figures | _refusing(pairs, seed=seed) | {"by_type": _by_type(pairs, seed=seed)}


def _by_type(
    pairs: Sequence[tuple[JudgedQuestion, Answered]], *, seed: int
) -> dict[str, dict[str, Any]]:
    """Returns for each type of question how many are answered, how many near-misses are, and how
    well `answerability` tells the one from the other."""
    figures: dict[str, dict[str, Any]] = {}
    for kind in types_in(question.text for question, _ in pairs):
        own = [pair for pair in pairs if type_of(pair[0].text) == kind]
        shares = {
            "gold_in_answer": [_is_right(*pair) for pair in own if _has_gold(pair[0])],
            "coverage": [answer.grounded for question, answer in own if question.answerable],
            "answered_near_misses": [
                answer.grounded for question, answer in own if not question.answerable
            ],
        }
        means = {
            name: bootstrap.mean(values, seed=seed).to_json()
            for name, values in shares.items()
            if values
        }
        auroc = _refusing(own, seed=seed).get("auroc", {})
        told = {"auroc": auroc[ANSWERABILITY]} if ANSWERABILITY in auroc else {}
        figures[kind] = {"questions": len(own), **means, **told}
    return figures


def _refusing(pairs: Sequence[tuple[JudgedQuestion, Answered]], *, seed: int) -> dict[str, Any]:
    """Returns what each score says of whether a question can be answered."""
    scores = {name: values for name, values in _scores(pairs).items() if _says_something(values)}
    answerable = [question.answerable for question, _ in pairs]
    found: dict[str, Any] = {"missing": [] if ANSWERABILITY in scores else [ANSWERABILITY]}
    if all(answerable) or not any(answerable):
        return found
    found["auroc"] = {
        name: bootstrap.auroc(
            [value for value, can_be in zip(values, answerable, strict=True) if can_be],
            [value for value, can_be in zip(values, answerable, strict=True) if not can_be],
            seed=seed,
        ).to_json()
        for name, values in scores.items()
    }
    by = next((name for name in _CURVE_BY if name in scores), None)
    if by is not None and any(_has_gold(question) for question, _ in pairs):
        found["curve"] = {
            "by": by,
            "points": refusal_curve(
                scores[by],
                given=[answer.grounded for _, answer in pairs],
                right=[_is_right(question, answer) for question, answer in pairs],
                answerable=answerable,
            ),
        }
    return found


def _scores(pairs: Sequence[tuple[JudgedQuestion, Answered]]) -> Mapping[str, list[float]]:
    """Returns the scores that could tell, by name; where a question has none, it is the lowest."""
    none = -math.inf
    names = dict.fromkeys(name for _, answer in pairs for name in answer.signals)
    return {
        ANSWERABILITY: [
            none if one.answerability is None else one.answerability for _, one in pairs
        ],
        GROUNDED: [float(one.grounded) for _, one in pairs],
        **{name: [one.signals.get(name, none) for _, one in pairs] for name in names},
    }


def _says_something(values: Sequence[float]) -> bool:
    return any(math.isfinite(value) for value in values)


def _has_gold(question: JudgedQuestion) -> bool:
    return question.answerable and bool(question.answers)


def _is_right(question: JudgedQuestion, answer: Answered) -> bool:
    return (
        answer.grounded
        and question.answerable
        and holds_any(without_citations(answer.text), question.answers)
    )
