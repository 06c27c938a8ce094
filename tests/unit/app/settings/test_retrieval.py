"""What a retrieval application's args say reaches the stage that it is meant for."""

from typing import Any

import pytest

from app.settings.retrieval import RetrievalArgs
from deployments.indexer.config import IndexerArgs

GIVEN: dict[str, Any] = {
    "max_chunk_tokens": 96,
    "overlap_tokens": 7,
    "max_document_chunks": 11,
    "niceness": 3,
    "reading": {"processes": 5, "timeout_s": 9.0, "memory_mib": 300, "comments": True},
}


def test_the_indexer_gets_what_is_said() -> None:
    args = RetrievalArgs.model_validate({"store": {"path": "/data"}, **GIVEN})
    assert args.indexer() == IndexerArgs.model_validate(GIVEN)


@pytest.mark.parametrize("name", sorted(IndexerArgs.model_fields.keys() - {"model"}))
def test_every_setting_of_the_indexer_can_be_said(name: str) -> None:
    assert name in GIVEN
    assert name in RetrievalArgs.model_fields
