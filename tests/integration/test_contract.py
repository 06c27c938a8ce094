"""The OpenAPI document is true: generated requests get only the answers that it announces."""

import httpx
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.cluster import Cluster, until

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def test_generated_requests_get_announced_answers(cluster: Cluster, http: httpx.Client) -> None:
    schema = schemathesis.openapi.from_url(f"{cluster.url}/openapi.json")
    operations = [one.ok() for one in schema.get_all_operations()]  # type: ignore[union-attr]
    assert len(operations) >= 11
    for operation in operations:
        # What the last operation asked may have been more than the reranker does in time: then it
        # is left alone for a moment, and that is no answer to the next one.
        until(lambda: _reranks(http), within_s=60, what="the reranker is asked again")

        @settings(
            max_examples=15,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS)

        check()


def _reranks(http: httpx.Client) -> bool:
    asked = {"query": "a deadline", "documents": ["Every request has a deadline."]}
    return http.post("/v1/rerank", json=asked).status_code == 200
