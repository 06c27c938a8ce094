"""What of a request can be judged, and what its sentences rest on."""

from dataclasses import replace
from typing import Any

import pytest

from app.evaluation.answered import MAX_SENTENCES, answered
from app.request.attempt import AttemptRecord
from app.request.caching import CacheNote
from deployments.contracts.generation import Citation
from tests.unit.app.telemetry.requests import attempt, finished, written

TEXT = "It is refused. [1] The client gets 503. [1][2] So it goes."


def request(attempted: AttemptRecord | None = None, **fields: Any) -> Any:
    citations = (Citation(0, 14, 1), Citation(19, 39, 1), Citation(19, 39, 2))
    said = written(text=TEXT, citations=citations)
    notes = replace(finished().notes, written=said, attempt=attempted or attempt(), **fields)
    return finished(notes)


def test_each_sentence_rests_on_what_it_cites_and_else_on_everything() -> None:
    found = answered(request())
    assert found is not None
    assert found.question == "full?"
    assert found.answer == "It is refused. The client gets 503. So it goes."
    first, second = "A\ntext of a", "A\ntext of b"
    assert found.passages == (first, second)
    assert [(one.text, one.passages) for one in found.statements] == [
        ("It is refused.", (first,)),
        ("The client gets 503.", (first, second)),
        ("So it goes.", (first, second)),
    ]


@pytest.mark.parametrize(
    "other",
    [
        finished(replace(finished().notes, written=written(grounded=False))),
        finished(replace(finished().notes, written=written(finish_reason="content_filter"))),
        finished(replace(finished().notes, written=None)),
        finished(replace(finished().notes, written=written(text=" [1] "))),
        finished(replace(finished().notes, release="")),
        finished(replace(finished().notes, trace_wish="none")),
        finished(replace(finished().notes, attempt=replace(attempt(), hits=()))),
        finished(
            replace(finished().notes, attempt=replace(attempt(), cache=CacheNote("hit", "answer")))
        ),
        finished(kind="line"),
        finished(kind="shadow"),
        finished(status=500),
    ],
    ids=[
        *("refusal", "blocked", "none", "marks", "direct", "opt-out", "chat", "cached"),
        *("line", "shadow", "failed"),
    ],
)
def test_what_cannot_be_judged_is_not(other: Any) -> None:
    assert answered(other) is None


def test_an_answer_without_end_is_judged_by_its_beginning() -> None:
    long = written(text="This is so. " * 40, citations=())
    found = answered(finished(replace(finished().notes, written=long)))
    assert found is not None
    assert len(found.statements) == MAX_SENTENCES
