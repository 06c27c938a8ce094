"""Which errors of the MLflow client may pass, and what a log must not hold."""

import json
from typing import Any

import google.protobuf.json_format
import mlflow.exceptions
import pytest
import requests
import urllib3.exceptions
from mlflow.exceptions import MlflowException, RestException

from deployments.contracts.errors import Unavailable
from deployments.tracking.mlflow.server import may_pass, without_password
from tests.library_errors import bare, exceptions_of, name_of

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


@pytest.mark.parametrize(
    "kind",
    [
        *exceptions_of(mlflow.exceptions),
        *exceptions_of(requests.exceptions, base=requests.RequestException),
        *exceptions_of(urllib3.exceptions, base=urllib3.exceptions.HTTPError),
        json.JSONDecodeError,
        google.protobuf.json_format.ParseError,
    ],
    ids=name_of,
)
def test_no_error_of_the_client_or_of_the_way_there_is_taken_for_a_refusal(
    kind: type[Exception],
) -> None:
    error = bare(kind)
    if isinstance(error, MlflowException):
        error.error_code = "INTERNAL_ERROR"
    assert may_pass(error)
