"""Which errors of the MLflow client may pass, and what a log must not hold."""

from typing import Any

import pytest
import requests
from mlflow.exceptions import MlflowException, RestException

from deployments.contracts.errors import Unavailable
from deployments.tracking.mlflow.server import may_pass, without_password

SAID: Any = RestException  # it has no types


@pytest.mark.parametrize(
    "error",
    [
        MlflowException("API request failed with exception: connection refused"),
        requests.ConnectionError("refused"),
        TimeoutError(),
        SAID({"error_code": "INTERNAL_ERROR", "message": "no space left"}),
        SAID({"error_code": "TEMPORARILY_UNAVAILABLE", "message": "later"}),
        SAID({"detail": "Not Found"}),
        Unavailable("The control database is locked by another process."),
    ],
    ids=["client", "connection", "timeout", "broken", "busy", "proxy", "database"],
)
def test_an_outage_may_pass(error: Exception) -> None:
    assert may_pass(error)


@pytest.mark.parametrize(
    "error",
    [
        SAID({"error_code": "INVALID_PARAMETER_VALUE", "message": "no such name"}),
        SAID({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such run"}),
        KeyError("a mistake of ours"),
    ],
    ids=["refused", "deleted", "ours"],
)
def test_a_refusal_stays_one(error: Exception) -> None:
    assert not may_pass(error)


def test_a_password_is_not_logged() -> None:
    uri = "https://me:secret@mlflow.example:5000/path"
    assert without_password(f"no answer from {uri}", uri) == (
        "no answer from https://mlflow.example:5000/path"
    )
    assert without_password("no answer", "http://mlflow:5000") == "no answer"
