"""Both clients over gRPC: the same values and the same errors as over HTTP."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from app.access.principals import Authenticator
from app.api.application import make_entrance
from app.client.grpc.refusals import error_of
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.rpc.calls import needs_by_path
from app.rpc.services import RpcServices
from app.settings.cold.gateway import GatewayArgs
from deployments.contracts.errors import Overloaded, RateLimited
from ragserve.client import (
    ApiConnectionError,
    ApiTimeoutError,
    AuthenticationError,
    Citation,
    Client,
    DeltaEvent,
    NotFoundError,
    NotOverGrpcError,
    OverloadedError,
    QueryResponse,
    RateLimitError,
    Retries,
    SourcesEvent,
    UnexpectedResponseError,
    UnprocessableError,
    UploadProgress,
)
from tests.doubles import DoubleDirectory
from tests.grpc_server import serving
from tests.unit.app.conftest import LIVE
from tests.unit.ragserve.test_client import DOCUMENTS, QUESTION, Blocking, Waiting

ROOT = Path(__file__).parents[3]
ONCE = Retries(attempts=1)


def _services(stages: DoubleDirectory, authenticator: Authenticator | None = None) -> RpcServices:
    args = GatewayArgs(request_timeout_s=5)
    gateway = make_gateway(
        Releases(stages, lambda: LIVE), args, authenticator=authenticator, admin_key=""
    )
    return RpcServices(make_entrance(gateway, args, also=needs_by_path()), gateway, args)


@pytest.fixture
def stages() -> DoubleDirectory:
    return DoubleDirectory()


@pytest.fixture
def address(stages: DoubleDirectory) -> Iterator[str]:
    with serving(lambda: _services(stages)) as address:
        yield address


@pytest.fixture(params=[Blocking, Waiting], ids=["blocks", "awaits"])
def client(address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    client = request.param(address)
    client.add_texts(DOCUMENTS)
    yield client
    client.close()


def test_a_question_is_answered(client: Any) -> None:
    answer = client.query(QUESTION, top_n=2, filter={"path": "geo/paris.md"})
    assert isinstance(answer, QueryResponse)
    assert [source.document_id for source in answer.sources] == ["paris"]
    assert "Paris" in answer.answer
    assert answer.conversation_id is None
    assert answer.degraded == []


def test_a_stream_ends_with_what_the_whole_answer_is(client: Any) -> None:
    events = client.streamed(QUESTION)
    assert isinstance(events[0], SourcesEvent)
    assert {type(event) for event in events} == {
        *(SourcesEvent, DeltaEvent, Citation, QueryResponse)
    }
    whole, asked = events[-1], client.query(QUESTION)
    assert whole.answer == asked.answer
    assert whole.sources == asked.sources
    assert "".join(event.text for event in events if isinstance(event, DeltaEvent)) == whole.answer


def test_chunks_are_found(client: Any) -> None:
    found = client.search(QUESTION, queries=("Where is Paris?",), top_n=1)
    assert found.results[0].document_id == "paris"


def test_documents_are_listed_page_by_page_looked_up_and_deleted(client: Any) -> None:
    client.add_texts([{"id": "short-lived", "text": "A note.", "acl": ["board"]}])
    listed = [document.id for document in client.list_documents(page=1)]
    assert listed == ["paris", "tokyo", "short-lived"]
    assert client.get_document("short-lived").chunk_count == 1
    assert client.get_document("short-lived").acl == ["board"]
    client.add_texts([{"id": "short-lived", "text": "A note.", "acl": None}])
    assert client.get_document("short-lived").acl is None
    assert client.delete_document("short-lived").deleted
    with pytest.raises(NotFoundError):
        client.get_document("short-lived")


def test_files_are_uploaded_with_a_look_at_how_far_it_is(client: Any) -> None:
    seen: list[UploadProgress] = []
    done = client.add_files(
        [("a.md", b"A note."), ("other/name.md", b"Another note.")],
        metadata={"team": "platform"},
        acl=["board"],
        on_progress=seen.append,
    )
    assert done.added == 2
    assert seen == [UploadProgress(2, 2, 20, 20)]
    known = client.get_document(done.outcomes[0].document_id)
    assert (known.metadata, known.acl) == ({"team": "platform"}, ["board"])


def test_a_refusal_names_what_is_wrong(client: Any) -> None:
    with pytest.raises(UnprocessableError) as caught:
        client.query(QUESTION, top_n=0)
    error = caught.value
    assert (error.status, error.code, error.param) == (422, "invalid_request", "top_n")
    assert [field.field for field in error.fields] == ["top_n"]
    assert len(error.request_id) == 32
    with pytest.raises(UnprocessableError):
        client.streamed(" ")


@pytest.mark.parametrize("options", [{"top_n": "many"}, {"no_such": 1}, {"filter": 3}])
def test_what_no_message_can_say_is_refused_as_the_service_would(
    client: Any, options: dict[str, Any]
) -> None:
    with pytest.raises(UnprocessableError):
        client.query(QUESTION, **options)


def test_what_goes_over_http_alone_says_so(client: Any) -> None:
    for ask in (lambda: client.embed(["a"]), client.models, client.health, client.usage):
        with pytest.raises(NotOverGrpcError, match="http://"):
            ask()


def test_a_busy_service_is_asked_again_when_it_says(address: str, stages: DoubleDirectory) -> None:
    stages.retriever.failure = RateLimited("busy", "retriever", 0.05)

    def mend() -> None:
        while stages.retriever.calls < 2:
            time.sleep(0.005)
        stages.retriever.failure = None

    mending = threading.Thread(target=mend)
    mending.start()
    with Client(address, retries=Retries(attempts=6, first_wait_s=0.02)) as client:
        client.search(QUESTION)
    mending.join()
    assert stages.retriever.calls >= 3


@pytest.mark.parametrize("make", [Blocking, Waiting])
def test_a_refusal_that_passes_is_told_with_its_time(
    address: str, stages: DoubleDirectory, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make(address)
    monkeypatch.setattr("app.client.retries.Retries.allows", lambda *_: False)
    for failure, kind in ((Overloaded, OverloadedError), (RateLimited, RateLimitError)):
        stages.retriever.failure = failure("Later.", "retriever", 0.25)
        with pytest.raises(kind) as caught:
            client.search(QUESTION)
        assert caught.value.retry_after_s == 0.25
        with pytest.raises(kind):
            client.streamed(QUESTION)
    client.close()


def test_a_key_goes_with_every_call(stages: DoubleDirectory) -> None:
    closed = Authenticator("required", "the-key")
    with serving(lambda: _services(stages, closed)) as address:
        with Client(address, retries=ONCE) as client, pytest.raises(AuthenticationError):
            client.search(QUESTION)
        with Client(address, api_key="the-key") as client:
            assert client.add_texts(DOCUMENTS).added == 2


@pytest.mark.parametrize("make", [Blocking, Waiting])
def test_nobody_there_is_an_error_of_the_connection(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr("app.client.retries.Retries.allows", lambda *_: False)
    client = make(f"grpc://127.0.0.1:{port}")
    with pytest.raises(ApiConnectionError) as caught:
        client.search(QUESTION)
    assert not caught.value.was_sent
    client.close()


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("make", [Blocking, Waiting])
def test_an_answer_that_does_not_come_is_given_up(
    make: Any, streams: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.client.retries.Retries.allows", lambda *_: False)
    monkeypatch.setattr("app.client.connection._CONNECT_TIMEOUT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = make(f"grpc://127.0.0.1:{silent.getsockname()[1]}")
        inner = getattr(client, "_client", client)
        object.__setattr__(inner._connection, "timeout_s", 0.3)
        with pytest.raises((ApiTimeoutError, ApiConnectionError)):
            client.streamed(QUESTION) if streams else client.search(QUESTION)
        client.close()


def test_leaving_early_stops_the_stream(address: str) -> None:
    with Client(address) as client:
        client.add_texts(DOCUMENTS)
        with client.stream_query(QUESTION) as events:
            assert isinstance(next(events), SourcesEvent)
        assert client.search(QUESTION).results


class Failure:
    """What a call of gRPC fails with."""

    def __init__(self, code: Any, details: str) -> None:
        self.code = lambda: code
        self.details = lambda: details


@pytest.mark.parametrize(
    ("code", "details", "kind", "said"),
    [
        ("RESOURCE_EXHAUSTED", "Request dropped due to backpressure", OverloadedError, 503),
        ("NOT_FOUND", "Application 'other' not found.", NotFoundError, 404),
        ("UNIMPLEMENTED", "Method not found!", UnexpectedResponseError, None),
        ("UNAVAILABLE", "Socket closed", ApiConnectionError, None),
        ("CANCELLED", "", ApiConnectionError, None),
        ("INTERNAL", '{"half', Exception, 500),
        ("UNAVAILABLE", '{"code":"overloaded"}', ApiConnectionError, None),
        ("UNAVAILABLE", '{"code":"overloaded","status":503,"detail":"x"}', OverloadedError, 503),
    ],
)
def test_what_others_on_the_way_say_is_an_error_as_well(
    code: str, details: str, kind: type[Exception], said: int | None
) -> None:
    error = error_of(Failure(getattr(grpc.StatusCode, code), details), "grpc://there")
    assert isinstance(error, kind)
    assert getattr(error, "status", None) == said


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("grpc://there.example:9000", {"api_key": "secret"}),
        ("grpc://", {}),
        ("grpcx://there", {}),
        ("grpc://127.0.0.1:9000", {"http_client": httpx.Client()}),
    ],
)
def test_no_address_and_a_key_in_the_clear_are_refused(url: str, options: Any) -> None:
    with pytest.raises(ValueError, match="address|clear|HTTP"):
        Client(url, **options)


def test_where_grpc_is_missing_it_is_said_plainly() -> None:
    code = """
import sys
sys.modules["grpc"] = None
from ragserve.client import AsyncClient, Client
Client("http://127.0.0.1:1").close()
for make in (Client, AsyncClient):
    try:
        make("grpc://127.0.0.1:1")
    except ImportError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.count("pip install 'ragserve[grpc]'") == 2


def test_grpc_is_loaded_for_its_addresses_alone() -> None:
    code = "import sys, ragserve.client; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not {"grpc", "google.protobuf", "ragserve.v1"} & set(done.stdout.split())
