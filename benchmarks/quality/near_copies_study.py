"""How often the record that was asked about is found first and answers, and how often another one
of its template answers instead."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app.cli.evaluate.matching import holds_any
from benchmarks.load.output import progress
from benchmarks.quality.in_flight import each
from benchmarks.quality.near_copies import Asked
from benchmarks.quality.retrieval_study import STAGES, Stage, ranked_documents
from benchmarks.quality.subject import Asked as Search
from benchmarks.quality.subject import Searched, Subject, whole

FOUND = tuple(name for name in STAGES if name != "dense")
RIGHT, WRONG, REFUSED = "right", "wrong", "refused"
_TOP_K = 40
_TOP_N = 10


async def study_near_copies(
    subject: Subject, dataset: str, questions: Sequence[Asked], *, at_once: int
) -> dict[str, Any]:
    """Returns, by kind of question and for all, shares of the questions: those whose document is
    found first by each stage, those whose answer holds the value and none of another record
    (`right`), those whose answer holds another record's (`wrong`), and those refused."""
    marks: dict[str, list[bool]] = {}
    for name in FOUND:
        marks[name] = await _found_first(subject, dataset, questions, STAGES[name], at_once=at_once)
    with progress(len(questions), f"{dataset}: answers") as steps:
        answers = await each(
            questions,
            lambda one: whole(lambda: subject.answer(one.text)),
            at_once=at_once,
            on_done=steps.done,
        )
    pairs = list(zip(questions, answers, strict=True))
    marks[WRONG] = [holds_any(answer.text, list(one.wrong)) for one, answer in pairs]
    marks[RIGHT] = [
        answer.grounded and holds_any(answer.text, [one.gold]) and not is_wrong
        for (one, answer), is_wrong in zip(pairs, marks[WRONG], strict=True)
    ]
    marks[REFUSED] = [not answer.grounded for _, answer in pairs]
    return {"questions": len(questions), "shares": _by_kind(questions, marks)}


async def _found_first(
    subject: Subject, dataset: str, questions: Sequence[Asked], stage: Stage, *, at_once: int
) -> list[bool]:
    async def ask(one: Asked) -> Searched:
        search = Search(one.text, stage.mode, stage.rerank, _TOP_K, _TOP_N)
        return await whole(lambda: subject.search(search))

    with progress(len(questions), f"{dataset}: {stage.name}") as steps:
        found = await each(questions, ask, at_once=at_once, on_done=steps.done)
    return [
        ranked_documents(hits.paths, dataset)[:1] == [one.document]
        for one, hits in zip(questions, found, strict=True)
    ]


def _by_kind(
    questions: Sequence[Asked], marks: Mapping[str, Sequence[bool]]
) -> dict[str, dict[str, float]]:
    kinds = [*dict.fromkeys(one.kind for one in questions)]
    members = {kind: [one.kind == kind for one in questions] for kind in sorted(kinds)}
    members["all"] = [True] * len(questions)
    return {
        kind: {"questions": float(sum(chosen))}
        | {name: float(np.mean(np.array(values)[chosen])) for name, values in marks.items()}
        for kind, chosen in members.items()
    }
