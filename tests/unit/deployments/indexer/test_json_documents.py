"""Documents as clients write them."""

import json
from typing import Any

import pytest

from deployments.contracts.documents import Document
from deployments.contracts.errors import InvalidRequest
from deployments.indexer.json_documents import read_json_documents


def read(**fields: Any) -> Document:
    body = {"documents": [{"path": "a.md", "text": "# of seats: 9", **fields}]}
    [document] = read_json_documents(json.dumps(body).encode())
    return document


def test_a_document_is_markdown_unless_it_says_otherwise() -> None:
    assert (read().markup, read().title) == ("markdown", "of seats: 9")


def test_a_plain_document_has_no_heading_for_a_title() -> None:
    plain = read(markup="plain")
    assert (plain.markup, plain.title) == ("plain", "a.md")


def test_another_markup_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest):
        read(markup="html")
