"""How sampled queries are spread over time."""

from dataclasses import replace

import numpy as np
import pytest

from deployments.drift import DAY_S
from deployments.tracking.drift.samples import MAX_SAMPLES, Samples, read_windows, to_samples
from tests.drift_samples import DIMENSION, UNTIL_S, MemorySource, query_samples


def read(source: MemorySource, *, reference_s: float = 7 * DAY_S) -> Samples:
    return read_windows(
        lambda since_s, until_s, limit: source.samples(
            "one", since_s=since_s, until_s=until_s, limit=limit
        ),
        until_s=UNTIL_S,
        reference_s=reference_s,
        current_s=DAY_S,
    )


def test_all_hours_count_alike_however_busy() -> None:
    from_s = UNTIL_S - 8 * DAY_S
    busy = query_samples(9000, from_s=UNTIL_S - DAY_S / 2, to_s=UNTIL_S)
    quiet = query_samples(9000, from_s=from_s, to_s=UNTIL_S - DAY_S / 2)
    found = read(MemorySource([*quiet, *busy]))
    assert len(found) <= MAX_SAMPLES
    counts = np.bincount(found.block - found.block.min())
    assert len(counts) == 8 * 24
    assert set(counts) == {MAX_SAMPLES // (8 * 24)}
    assert (np.diff(found.at_s) >= 0).all()
    assert found.is_current.sum() == 24 * (MAX_SAMPLES // (8 * 24))


def test_windows_meet_and_end_where_they_were_asked_to() -> None:
    begins_s = UNTIL_S - DAY_S
    kept = query_samples(400, from_s=begins_s - 9 * DAY_S, to_s=UNTIL_S + DAY_S)
    found = read(MemorySource(kept), reference_s=2 * DAY_S)
    assert found.at_s[found.is_current].min() >= begins_s > found.at_s[~found.is_current].max()
    assert found.at_s.min() >= begins_s - 2 * DAY_S
    assert found.at_s.max() < UNTIL_S


def test_values_come_through() -> None:
    one, two = query_samples(2, from_s=0, to_s=10)
    found = to_samples([(-1, replace(one, top_score=None)), (0, replace(two, grounded=False))])
    assert found.vectors.shape == (2, DIMENSION)
    assert found.vectors[0] == pytest.approx(np.frombuffer(one.vector, dtype="<f2"))
    assert np.isnan(found.top_score[0])
    assert found.top_score[1] == two.top_score
    assert found.answer_words.tolist() == [one.answer_words, two.answer_words]
    assert found.ungrounded.tolist() == [not one.grounded, True]


def test_embeddings_of_another_size_are_left_out() -> None:
    old, new = query_samples(2, from_s=0, to_s=10)
    smaller = replace(old, vector=old.vector[:16], dimension=8)
    assert len(to_samples([(-1, smaller), (0, new)])) == 1


def test_nothing_is_nothing() -> None:
    found = to_samples([])
    assert len(found) == 0
    assert found.vectors.shape == (0, 0)
