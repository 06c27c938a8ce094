"""Every method is declared, is there, and is what its contract says: none can be forgotten."""

import inspect
import warnings
from collections import Counter
from typing import Any

import pytest

from app.rpc.calls import NEEDS, RPCS, metadata_of, services
from app.rpc.methods import RpcMethods
from app.rpc.services import RpcServices
from tests.unit.app.rpc.conftest import Context, Service

METHODS = [method for service in services() for method in service.methods]


def test_no_two_services_share_the_name_of_a_method() -> None:
    """Ray Serve calls a method by its name alone."""
    counts = Counter(method.name for method in METHODS)
    assert counts.most_common(1)[0][1] == 1, counts
    assert len(RPCS) == len(METHODS)


def test_every_method_says_what_it_asks_for_and_nothing_else_does() -> None:
    assert set(NEEDS) == {rpc.path for rpc in RPCS.values()}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_every_method_is_one_of_the_deployment(method: Any, service: Service) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own, when it is imported
        from app.ingress import Ingress
    made = getattr(Ingress, method.name)
    assert list(inspect.signature(made).parameters) == ["self", "request", "grpc_context"]
    assert inspect.isasyncgenfunction(made) == method.server_streaming
    assert not method.client_streaming
    rpc: RpcServices = service.rpc
    assert method.name in (rpc.streaming if method.server_streaming else rpc.unary)


def test_the_deployment_has_no_method_that_no_contract_has() -> None:
    public = {name for name in vars(RpcMethods) if name[0].isupper()}
    assert public == {method.name for method in METHODS}


def test_metadata_are_read_as_headers_are() -> None:
    context = Context([("authorization", "Bearer a"), ("trace-bin", b"\x00\xff"), ("x-a", "b")])
    metadata = metadata_of(context)
    assert metadata["Authorization"] == "Bearer a"
    assert metadata["trace-bin"] == "\x00\xff"
