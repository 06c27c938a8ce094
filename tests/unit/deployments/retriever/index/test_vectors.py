"""Nearest vectors by codes and cosines, against all cosines."""

import numpy as np
import pytest

from deployments.contracts.errors import StageFailed
from deployments.contracts.vectors import Vectors
from deployments.retriever.index import vectors as vectors_module
from deployments.retriever.index.vectors import VectorTable, VectorView


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BLOCK_SLOTS", "SPARE_SLOTS"):
        monkeypatch.setattr(vectors_module, name, 16)


def drawn(count: int, dimension: int = 32, *, seed: int = 0) -> Vectors:
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def unit(vectors: Vectors) -> Vectors:
    lengths: Vectors = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths


def nearest(
    view: VectorView, vector: Vectors, top_k: int, among: list[int] | None = None
) -> list[int]:
    """Returns the numbers of the nearest, nearest first."""
    numbers, cosines = view.nearest(
        vector, top_k, None if among is None else np.array(among, dtype=np.int64)
    )
    return [int(numbers[place]) for place in np.lexsort((numbers, -cosines))]


def exact(held: dict[int, Vectors], vector: Vectors, top_k: int) -> list[int]:
    cosines = {number: round(float(unit(one) @ unit(vector)), 6) for number, one in held.items()}
    return sorted(cosines, key=lambda number: (-cosines[number], number))[:top_k]


def test_few_vectors_are_compared_exactly() -> None:
    table = VectorTable()
    vectors = drawn(200)
    table.add(range(200), vectors)
    view = table.view()
    for query in drawn(20, seed=1):
        assert nearest(view, query, 10) == exact(dict(enumerate(vectors)), query, 10)


def test_cosines_do_not_depend_on_lengths() -> None:
    table = VectorTable()
    table.add([3, 5, 8], np.array([[2, 0], [0, 0.1], [0, 0]], dtype=np.float32))
    view = table.view()
    wanted = np.array([3, 5, 8])
    assert view.cosines(wanted, np.array([7, 0], dtype=np.float32)).tolist() == [1, 0, 0]
    assert view.cosines(wanted[1:2], np.array([3, 4], dtype=np.float32)).tolist() == pytest.approx(
        [0.8]
    )


@pytest.mark.parametrize("dimension", [64, 100, 384])
def test_of_many_vectors_hardly_a_near_one_is_missed(
    monkeypatch: pytest.MonkeyPatch, dimension: int
) -> None:
    """Clusters, as texts on one subject are; a tenth of all vectors is compared exactly."""
    monkeypatch.setattr(vectors_module, "LIKELY", 600)
    centres = drawn(100, dimension)
    vectors = np.repeat(centres, 60, axis=0) + drawn(6000, dimension, seed=1)
    table = VectorTable()
    table.add(range(6000), vectors)
    view = table.view()
    held = dict(enumerate(vectors))
    found = 0
    for query in vectors[::120] + 0.5 * drawn(50, dimension, seed=2):
        found += len({*nearest(view, query, 10)} & {*exact(held, query, 10)})
    assert found >= 480


def test_all_that_tie_with_the_last_are_returned() -> None:
    """Wherever they lie: whoever orders them decides which are kept."""
    table = VectorTable()
    one = drawn(1, 384)[0]
    table.add(range(70), np.repeat(one[None, :], 70, axis=0))
    table.add([70], drawn(1, 384, seed=1))
    numbers, cosines = table.view().nearest(one, 3)
    assert sorted(numbers.tolist()) == list(range(70))
    assert set(cosines.tolist()) == {1.0}


@pytest.mark.parametrize("likely", [4, 2000])
def test_views_stay_as_they_were_while_vectors_come_and_go(
    monkeypatch: pytest.MonkeyPatch, small_blocks: None, likely: int
) -> None:
    monkeypatch.setattr(vectors_module, "LIKELY", likely)
    monkeypatch.setattr(vectors_module, "_LIKELY_PER_HIT", 1000 if likely > 4 else 1)
    chance = np.random.default_rng(4)
    table, held, views = VectorTable(), dict[int, Vectors](), []
    start = 0
    for _ in range(60):
        added = drawn(int(chance.integers(0, 30)), seed=start)
        numbers = range(start, start + len(added))
        table.add(numbers, added)
        held.update(zip(numbers, added, strict=True))
        start += len(added)
        gone = [number for number in held if chance.random() < 0.3]
        table.remove([*gone, 10**6])
        for number in gone:
            del held[number]
        views.append((table.view(), held.copy()))
    query = drawn(1, seed=99)[0]
    for view, expected in views:
        everything = nearest(view, query, 10**6)
        assert everything == exact(expected, query, 10**6)
        some = sorted(expected)[::3]
        among = nearest(view, query, 5, [*some, 10**6])
        if likely > 4:
            assert among == exact({number: expected[number] for number in some}, query, 5)
        assert {*among} <= {*some}
        assert len(among) == min(5, len(some))


def test_memory_follows_what_is_there(small_blocks: None) -> None:
    table = VectorTable()
    for start in range(0, 1600, 16):
        table.add(range(start, start + 16), drawn(16))
        table.remove(range(start, start + 15))
        table.view()
    assert len(table._blocks) <= 16


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_there_is_nothing_found(count: int) -> None:
    table = VectorTable()
    table.add(range(count), drawn(count))
    table.remove(range(count))
    view = table.view()
    query = drawn(1)[0]
    assert nearest(view, query, 5) == []
    assert nearest(view, query, 5, [1]) == []
    assert nearest(VectorTable().view(), query, 5) == []


@pytest.mark.parametrize("count", [5, 3000])
def test_a_vector_of_another_model_is_a_failure_of_ours(count: int) -> None:
    table = VectorTable()
    table.add(range(count), drawn(count))
    with pytest.raises(StageFailed, match="another embedding model"):
        table.view().nearest(drawn(1, 48)[0], 5)
