"""What is a copy, and what only looks like one."""

import pytest

from app.answering.copies import distinct
from deployments.contracts.documents import Chunk
from deployments.contracts.search import ScoredChunk


def kept(*texts: str) -> list[int]:
    hits = [
        ScoredChunk(Chunk(str(place), str(place), 0, text, "a.md", ""), 1.0, place + 1)
        for place, text in enumerate(texts)
    ]
    found = distinct(hits, top_n=len(texts), max_repeated_ratio=0.7)
    return [int(hit.chunk.id) for hit in found]


NOTE = (
    "The watch of the {} lock has written that the gate was found {} by the crew of the morning "
    "boat on day {}, and the warden of the canal was told of it {} before noon by the same crew."
)


@pytest.mark.parametrize(
    "other",
    [
        NOTE.format("lower", "open", "12", "once"),
        NOTE.format("upper", "shut", "12", "once"),
        NOTE.format("upper", "open", "21", "once"),
        NOTE.format("upper", "open", "12", "once").replace("was found", "was not found"),
        NOTE.format("upper", "open", "12", "once").replace("the warden", "Ingrid Lie, the warden"),
    ],
    ids=["place", "state", "number", "negation", "name"],
)
def test_records_that_differ_in_what_is_asked_for_stay(other: str) -> None:
    assert kept(NOTE.format("upper", "open", "12", "once"), other) == [0, 1]


@pytest.mark.parametrize(
    "copy",
    [
        NOTE.format("upper", "open", "12", "once"),
        NOTE.format("upper", "open", "12", "once").upper(),
        NOTE.format("upper", "open", "12", "once").replace(" ", "\n"),
        NOTE.format("upper", "open", "12", "once")[:120],
        NOTE.format("upper", "open", "12", "once").replace("noon by the", "noon by all of the"),
    ],
    ids=["same", "case", "lines", "part", "stop-words"],
)
def test_copies_go(copy: str) -> None:
    assert kept(NOTE.format("upper", "open", "12", "once"), copy) == [0]


def test_values_that_have_changed_places_are_no_copy() -> None:
    text = (
        "On the first day of the market the inner hall took {} guests and the outer hall {} of them"
    )
    assert kept(text.format(410, 620), text.format(620, 410)) == [0, 1]
