"""Servers that the service stands on, asked at the URLs where its settings look for them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from app.doctor.finding import Finding, ok, warning, wrong
from app.storage.opening import (
    CACHE_URL_VARIABLE,
    DATABASE_URL_VARIABLE,
    LIMITS_URL_VARIABLE,
    REDIS_SCHEMES,
)
from deployments.contracts.errors import ConfigError, RagError

_TIMEOUT_S = 5.0
_CHROMA_PATH = "/api/v2/heartbeat"
_MLFLOW_PATH = "/health"


@dataclass
class HttpServers:
    """Asks servers over HTTP, and keeps the time that each of them says it is."""

    times: dict[str, datetime] = field(default_factory=dict)

    def check(self, name: str, url: str, path: str, remedy: str) -> Finding:
        """Says whether a server answers 200 at a path.

        Args:
            name: What it is.
            url: Where the settings look for it; a password in it is shown to nobody.
            path: Below its root, whatever path the URL has.
            remedy: For where it does not answer.
        """
        parts = urlsplit(url)
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        try:
            answer = httpx.get(
                f"{parts.scheme}://{parts.netloc}{path}", timeout=_TIMEOUT_S, trust_env=False
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return wrong(name, f"{shown} does not answer: {type(error).__name__}", remedy)
        if "date" in answer.headers:
            self.times[name] = parsedate_to_datetime(answer.headers["date"])
        if answer.status_code != httpx.codes.OK:
            said = f"{shown}{path} answers HTTP {answer.status_code}"
            return wrong(name, said, f"Something else listens there. {remedy}")
        return ok(name, f"{shown} answers")


def check_http_servers(document: Mapping[str, Any], servers: HttpServers) -> Iterator[Finding]:
    """Yields whether each Chroma and each MLflow of a config answers."""
    for kind, path, urls in (
        ("Chroma", _CHROMA_PATH, _found(document, lambda args: args["store"]["url"])),
        (
            "MLflow",
            _MLFLOW_PATH,
            _found(document, lambda args: args["tracker"]["mlflow_url"])
            | _found(document, lambda args: args["tracing"]["otlp_url"], "/v1/traces"),
        ),
    ):
        for url in sorted(urls):
            finding = servers.check(
                kind, url, path, f"Start {kind} there, or name another URL in the config."
            )
            yield finding


def check_postgresql(url: str) -> Finding:
    """Says whether the control database lets this machine in."""
    from sqlalchemy import text

    from deployments.control.database import errors_as_ours, open_engine, parse_url

    remedy = "Look at RAGSERVE_DATABASE_URL: host, port, user, password, and the server itself."
    try:
        parsed = parse_url(url)
        engine = open_engine(parsed)
    except ConfigError as error:
        return wrong("PostgreSQL", str(error), remedy)
    shown = f"{parsed.host}:{parsed.port or 5432}/{parsed.database}"
    try:
        with errors_as_ours(), engine.connect() as connection:
            version = connection.execute(text("SHOW server_version")).scalar_one()
    except RagError as error:
        return wrong("PostgreSQL", f"{shown}: {error}", remedy)
    finally:
        engine.dispose()
    return ok("PostgreSQL", f"{shown} answers, version {version}")


def check_redis(url: str, variable: str) -> Finding:
    """Says whether the store that a variable names answers, and whether it is a Redis."""
    from app.storage.circuit import StoreAway
    from app.storage.redis_link import RedisLink

    remedy = f"Look at {variable}, and whether the server runs."
    shown = urlsplit(url).netloc.rpartition("@")[2] or "the socket"
    try:
        link = RedisLink(url, variable=variable)
    except ConfigError as error:
        return wrong("Redis", str(error), remedy)
    try:
        link.check()
    except ConfigError as error:
        return wrong("Redis", str(error), remedy)
    except StoreAway as error:
        return wrong("Redis", f"{shown} does not answer: {error}", remedy)
    finally:
        link.close()
    return ok("Redis", f"{shown} answers ({variable})")


def check_databases(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yields whether the databases answer that the environment names; files are none of these."""
    database = environment.get(DATABASE_URL_VARIABLE, "").strip()
    if database and not database.startswith("sqlite:"):
        yield check_postgresql(database)
    for variable in (LIMITS_URL_VARIABLE, CACHE_URL_VARIABLE):
        url = environment.get(variable, "").strip()
        if url.startswith(REDIS_SCHEMES):
            yield check_redis(url, variable)
        elif url and not url.startswith("sqlite:"):
            yield warning(
                "Redis", f"{variable} names no store", "It looks like redis://host:6390/0."
            )


def _found(
    document: Mapping[str, Any],
    read: Callable[[Mapping[str, Any]], object],
    ending: str = "",
) -> set[str]:
    """Returns what `read` finds in the arguments of the applications, without an ending."""
    urls = set()
    for application in document["applications"]:
        try:
            value = read(application.get("args") or {})
        except (KeyError, TypeError):
            continue
        if isinstance(value, str):
            urls.add(value.removesuffix(ending).rstrip("/"))
    return urls
