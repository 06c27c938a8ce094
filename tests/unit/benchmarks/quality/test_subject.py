"""Asking again as long as a stage has too much to do."""

import pytest

from benchmarks.quality import subject
from benchmarks.quality.subject import NotMeasured, NotNow, whole


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_MAX_WAIT_S", 0.0)


class Busy:
    """Has too much to do so many times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.times:
            raise NotNow("The reranker has a full queue.")
        return "found"


async def test_busy_stage_is_asked_again() -> None:
    busy = Busy(3)
    assert await whole(busy) == "found"
    assert busy.asked == 4


async def test_stage_that_stays_busy_is_an_error_with_advice() -> None:
    with pytest.raises(NotMeasured, match="a full queue.*--concurrency"):
        await whole(Busy(100))


async def test_other_errors_are_not_repeated() -> None:
    asked = []

    async def fails() -> None:
        asked.append(1)
        raise NotMeasured("no")

    with pytest.raises(NotMeasured):
        await whole(fails)
    assert len(asked) == 1
