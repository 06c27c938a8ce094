"""No error of Chroma's library, nor of what it stands on, arrives unmapped."""

import builtins
import json

import chromadb.errors
import httpx
import orjson
import pytest

from deployments.contracts.errors import InvalidRequest, RagError, StageFailed, Unavailable
from deployments.retriever.chroma.errors import translate
from tests.library_errors import bare, exceptions_of, name_of

CALLERS_FAULT = {"InvalidArgumentError"}
OUR_FAULT = {"InvalidDimensionException"}


@pytest.mark.parametrize("kind", exceptions_of(chromadb.errors), ids=name_of)
def test_every_error_of_chroma_is_mapped(kind: type[Exception]) -> None:
    ours = translate(bare(kind))
    if kind.__name__ in CALLERS_FAULT:
        assert type(ours) is InvalidRequest
    elif kind.__name__ in OUR_FAULT:
        assert type(ours) is StageFailed
    else:
        assert type(ours) is Unavailable
        assert ours.retry_after_s
    assert "secret" not in str(ours)


@pytest.mark.parametrize(
    "kind",
    [
        *exceptions_of(httpx),
        *exceptions_of(builtins, base=OSError),
        orjson.JSONDecodeError,
        json.JSONDecodeError,
        Exception,
        RuntimeError,
    ],
    ids=name_of,
)
def test_every_error_of_the_way_there_is_unavailable(kind: type[Exception]) -> None:
    error = bare(kind)
    if isinstance(error, httpx.HTTPStatusError):
        error.response = httpx.Response(502)
    assert type(translate(error)) is Unavailable


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("Expected where to have exactly one operator"), InvalidRequest),
        (TypeError("unhashable"), InvalidRequest),
        (chromadb.errors.InvalidArgumentError("expecting dimension 384, got 7"), StageFailed),
        (KeyError("missing"), StageFailed),
        (InvalidRequest("ours", "retriever"), InvalidRequest),
    ],
    ids=repr,
)
def test_what_the_library_itself_refuses(error: Exception, expected: type[RagError]) -> None:
    assert type(translate(error)) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, InvalidRequest), (422, InvalidRequest), (401, Unavailable), (404, Unavailable)]
    + [(status, Unavailable) for status in (413, 429, 500, 502, 503, 504)],
)
def test_statuses_without_words_of_chroma(status: int, expected: type[RagError]) -> None:
    response = httpx.Response(status, request=httpx.Request("GET", "http://secret"))
    error = httpx.HTTPStatusError("secret", request=response.request, response=response)
    assert type(translate(error)) is expected
