"""Kinds of documents that are preferred."""

import pytest
from pydantic import ValidationError

from app.answering.priors import with_priors
from app.settings.live.priors import Prior
from deployments.contracts.documents import Chunk
from deployments.contracts.search import ScoredChunk


def hit(path: str, score: float, rank: int, **metadata: str) -> ScoredChunk:
    return ScoredChunk(Chunk(path, path, 0, "text", path, "", metadata=metadata), score, rank)


HITS = [hit("docs/changelog.md", 0.9, 1), hit("docs/guide.md", 0.8, 2, status="final")]


@pytest.mark.parametrize(
    ("prior", "first"),
    [
        (Prior(path="*changelog*", score=-0.2), "docs/guide.md"),
        (Prior(path="*CHANGELOG*", score=-0.2), "docs/guide.md"),
        (Prior(path="*changelog*", score=-0.05), "docs/changelog.md"),
        (Prior(metadata={"status": "final"}, score=0.2), "docs/guide.md"),
        (Prior(path="*guide*", metadata={"status": "draft"}, score=1), "docs/changelog.md"),
    ],
)
def test_documents_move_by_their_priors(prior: Prior, first: str) -> None:
    found = with_priors(HITS, [prior])
    assert found[0].chunk.path == first
    assert [one.rank for one in found] == [1, 2]


def test_without_priors_nothing_moves() -> None:
    assert with_priors(HITS, []) == HITS


def test_prior_says_which_documents_it_means() -> None:
    with pytest.raises(ValidationError, match="path"):
        Prior(score=0.1)
