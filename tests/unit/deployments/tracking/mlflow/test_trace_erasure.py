"""Which traces a deletion finds: MLflow itself reads the filter."""

from typing import Any

import pytest
from mlflow.utils.search_utils import SearchTraceUtils

from deployments.contracts.erasure import ErasureScope, user_mark
from deployments.tracking.mlflow.trace_erasure import of_scope, of_tenant

TENANT = ("tag", "ragserve.tenant", "=", "acme")


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (of_tenant("acme"), [TENANT]),
        (
            of_scope(ErasureScope("acme", conversation="conv_1", before_s=1.5)),
            [TENANT, ("tag", "ragserve.conversation", "=", "conv_1")],
        ),
        (
            of_scope(ErasureScope("acme", user="it's zoe")),
            [TENANT, ("tag", "ragserve.user", "=", user_mark("acme", "it's zoe"))],
        ),
        (
            of_scope(ErasureScope("acme", user="zoe", before_s=1.5)),
            [
                TENANT,
                ("tag", "ragserve.user", "=", user_mark("acme", "zoe")),
                ("attribute", "timestamp_ms", "<=", 1500),
            ],
        ),
    ],
    ids=["tenant", "conversation", "user", "before"],
)
def test_it_finds_what_is_meant(which: str, found: list[tuple[Any, ...]]) -> None:
    parse: Any = SearchTraceUtils.parse_search_filter_for_search_traces
    assert [
        (one["type"], one["key"], one["comparator"], one["value"]) for one in parse(which)
    ] == found
