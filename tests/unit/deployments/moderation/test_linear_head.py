"""What a linear head learns from vectors."""

import numpy as np
import pytest

from deployments.moderation.linear_head import fit_head


def clusters(
    counts: dict[str | None, int], *, dim: int = 16, seed: int = 3
) -> tuple[np.ndarray, list[str | None]]:
    chance = np.random.default_rng(seed)
    rows, names = [], []
    for place, (name, count) in enumerate(counts.items()):
        centre = np.zeros(dim)
        centre[place] = 1.0
        rows.append(centre + 0.15 * chance.normal(size=(count, dim)))
        names += [name] * count
    vectors = np.concatenate(rows)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), names


def test_it_parts_what_can_be_parted() -> None:
    vectors, names = clusters({"a": 20, "b": 20, None: 60})
    head = fit_head(vectors, names)
    fresh, known = clusters({"a": 30, "b": 30, None: 30}, seed=4)
    found = [
        next((name for name, score in scores.items() if score >= 0.5), None)
        for scores in head.scores(fresh)
    ]
    assert np.mean([one == other for one, other in zip(found, known, strict=True)]) > 0.98


def test_a_rare_category_counts_as_much_as_others() -> None:
    vectors, names = clusters({"a": 3, None: 400})
    head = fit_head(vectors, names)
    fresh, _ = clusters({"a": 20}, seed=5)
    assert np.mean([scores["a"] > 0.5 for scores in head.scores(fresh)]) > 0.9


def test_it_is_where_the_gradient_vanishes() -> None:
    """The minimum of the penalised loss, against a small step in every direction."""
    from deployments.moderation import linear_head

    vectors, names = clusters({"a": 10, None: 15}, dim=5)
    head = fit_head(vectors, names)
    is_in = np.array([name == "a" for name in names])
    design = np.hstack([vectors.astype(float), np.ones((len(vectors), 1))])
    share = np.where(is_in, 0.5 / is_in.sum(), 0.5 / (~is_in).sum()) * len(names) * 10.0
    penalty = np.array([1.0] * 5 + [1e-3])
    best = np.append(head.weights[0], head.biases[0])

    def loss(weights: np.ndarray) -> float:
        return linear_head._loss(weights, design, is_in.astype(float), share, penalty)

    chance = np.random.default_rng(1)
    for _ in range(50):
        assert loss(best + 0.01 * chance.normal(size=6)) >= loss(best)


def test_the_same_examples_give_the_same_head() -> None:
    vectors, names = clusters({"a": 9, "b": 9, None: 9})
    one, other = fit_head(vectors, names), fit_head(vectors, names)
    assert np.array_equal(one.weights, other.weights)
    assert one.categories == ("a", "b")


@pytest.mark.parametrize("count", [2, 50])
def test_scores_are_shares(count: int) -> None:
    vectors, names = clusters({"a": count, None: count})
    scores = [score for row in fit_head(vectors, names).scores(vectors) for score in row.values()]
    assert all(0.0 <= score <= 1.0 for score in scores)
