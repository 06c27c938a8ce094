"""Sends encoded batches to one server as OTLP over HTTP, and says what its answer means.

The exporter of the OpenTelemetry project is not used, because it repeats a request by itself while
its caller waits, and then tells a refusal for good from a server that is away only in its log.
Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

import httpx
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from deployments.tracing.config import Destination
from deployments.tracing.experiments import resolve_experiment

TRACES_PATH = "/v1/traces"
EXPERIMENT_HEADER = "x-mlflow-experiment-id"
_BUSY = (408, 429, 502, 503, 504)
"""What says that the server, or what stands before it, is not ready; any batch would hear it."""
_MAX_RETRY_AFTER_S = 300.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request.

    Attributes:
        verdict: `sent`; `refused`: the same request will never be taken; `away`: it may be later.
        why: For the log, empty where it was sent.
        suspect: The batch itself may have brought the error about.
        retry_after_s: When the server wants to be asked again, None where it did not say.
        rejected_spans: Spans that the server left out of a request that it took.
    """

    verdict: Literal["sent", "refused", "away"]
    why: str = ""
    suspect: bool = False
    retry_after_s: float | None = None
    rejected_spans: int = 0


class OtlpClient:
    """A client of one destination, with a connection that is kept. Used by one thread.

    Args:
        destination: Where batches go.
        headers: Headers of every request, secrets among them.
    """

    def __init__(self, destination: Destination, headers: Mapping[str, str]) -> None:
        self._destination = destination
        self._headers = dict(headers)
        self._client: httpx.Client | None = None
        self._experiment_id: str | None = None

    def post(self, body: bytes, *, timeout_s: float) -> Outcome:
        """Sends one batch, and says what became of it. It never raises."""
        try:
            client = self._open()
            client.timeout = httpx.Timeout(timeout_s)
            known = self._experiment_id is not None
            outcome = self._try(client, body)
            if outcome.why == _NO_EXPERIMENT and known:
                # Somebody deleted it for good since its id was asked for.
                outcome = self._try(client, body)
        except Exception as error:  # whatever it is, the batch must not be lost with it
            return Outcome("away", self._described(error))
        return outcome

    def _described(self, error: Exception) -> str:
        """Returns what went wrong without the address, which may hold a password."""
        if isinstance(error, httpx.HTTPStatusError):
            return f"HTTP {error.response.status_code}"
        user, at, _ = urlsplit(self._destination.otlp_url).netloc.rpartition("@")
        says = str(error).replace(user + at, "") if at else str(error)
        return f"{type(error).__name__}: {says}"

    def close(self) -> None:
        """Closes the connection."""
        if self._client is not None:
            self._client.close()

    def _open(self) -> httpx.Client:
        if self._client is None:
            # A proxy that is set for the internet has no business with a port of this machine.
            url = urlsplit(self._destination.otlp_url)
            local = url.hostname in _LOOPBACK
            # Reading the certificates takes 0.1 s, for nothing where there is no TLS on the way.
            tls = not local or url.scheme == "https"
            self._client = httpx.Client(headers=self._headers, trust_env=not local, verify=tls)
        return self._client

    def _try(self, client: httpx.Client, body: bytes) -> Outcome:
        headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
        if self._destination.experiment is not None:
            if self._experiment_id is None:
                self._experiment_id = resolve_experiment(
                    client,
                    self._destination.otlp_url.removesuffix(TRACES_PATH),
                    self._destination.experiment,
                )
            headers[EXPERIMENT_HEADER] = self._experiment_id
        response = client.post(self._destination.otlp_url, content=body, headers=headers)
        if self._experiment_id is not None and _lacks_experiment(response):
            self._experiment_id = None
            return Outcome("refused", _NO_EXPERIMENT)
        return _outcome_of(response)


_NO_EXPERIMENT = "the experiment does not exist"


def _lacks_experiment(response: httpx.Response) -> bool:
    missing = response.status_code == httpx.codes.NOT_FOUND
    return missing and "RESOURCE_DOES_NOT_EXIST" in response.text


def _outcome_of(response: httpx.Response) -> Outcome:
    if response.is_success:
        return Outcome("sent", rejected_spans=_rejected_spans(response.content))
    why = f"HTTP {response.status_code}"
    if response.status_code in _BUSY:
        return Outcome("away", why, retry_after_s=_retry_after_s(response))
    if response.is_server_error:
        return Outcome("away", why, suspect=True, retry_after_s=_retry_after_s(response))
    return Outcome("refused", why)


def _rejected_spans(content: bytes) -> int:
    try:
        answer = ExportTraceServiceResponse.FromString(content)
    except DecodeError:
        return 0  # a collector that answers in words took the spans all the same
    return max(0, int(answer.partial_success.rejected_spans))


def _retry_after_s(response: httpx.Response) -> float | None:
    """Returns the seconds that a server asks for, which may be a date too."""
    value = response.headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        seconds = (at - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)
