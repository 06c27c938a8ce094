"""A canary that is slower is found as soon with a response cache as without one."""

from pathlib import Path

import pytest

from app.answering.question import Question
from app.settings.cold.cache import ReleaseCache
from tests.rollout_course import course, make_rollout
from tests.unit.app.dispatch.caching.service import Service, in_rollout, live

_QUESTIONS = [Question(f"What is the capital of France? {place}") for place in range(5)]
_SLOWER = 1.25


async def observed_share(tmp_path: Path, cache: ReleaseCache) -> float:
    """Returns the share of the answers to callers in a rollout that are evidence, where nine of ten
    questions were asked before: the same in both arms."""
    service = Service(tmp_path / "cache.db", settings=live(cache))
    await service.write("Paris is the capital of France.")
    async with service.cache.running():
        for _ in range(10):
            for question in _QUESTIONS:
                for arm in ("canary", "baseline"):
                    await service.ask(question, assignment=in_rollout(arm))
    arms = [assignment.arm for assignment, _ in service.notes.seen]
    assert arms.count("canary") == arms.count("baseline")
    assert all((values["total_ms"] or 0) > 0 for _, values in service.notes.seen)
    return len(arms) / (2 * 10 * len(_QUESTIONS))


def looks_until_back(share: float, slower: float = _SLOWER) -> int:
    """Returns after how many looks a canary that is slower is taken back."""
    decided = list(course(make_rollout(), slower=slower, requests_per_s=20.0 * share))
    _, last = decided[-1]
    assert last.phase == "rolled_back"
    return len(decided)


async def test_a_slower_canary_is_found_as_soon(tmp_path: Path) -> None:
    share = await observed_share(tmp_path, ReleaseCache(answer=True, generation=True))
    assert share == 1.0
    assert looks_until_back(share) == looks_until_back(1.0)


async def test_with_hits_for_everybody_it_is_found_by_what_was_written(tmp_path: Path) -> None:
    cache = ReleaseCache(answer=True, during_rollout="use")
    share = await observed_share(tmp_path, cache)
    assert share == pytest.approx(0.1)
    assert looks_until_back(share) < 400, "later, and never with the wrong verdict"


def test_hits_that_counted_would_hide_it() -> None:
    """What the tests above would not find if they could not fail: nine of ten answers at once in
    both arms leave the means so near that the canary stays."""
    diluted = 1.0 + (_SLOWER - 1.0) / 10
    _, last = list(course(make_rollout(), slower=diluted, requests_per_s=20.0))[-1]
    assert last.phase != "rolled_back"
