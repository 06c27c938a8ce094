"""Opens Chroma: a client whose every call ends, or the embedded library."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deployments.retriever.config import StoreArgs

if TYPE_CHECKING:
    import httpx
    from chromadb.api.client import Client


def connect(args: StoreArgs) -> "Client":
    """Returns a client that is connected; raises what the library raises."""
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    if args.path is not None:
        embedded: Any = chromadb.PersistentClient(args.path, settings=settings)
        client: Client = embedded
        return client
    parts = urlsplit(args.url or "")
    settings.chroma_api_impl = "chromadb.api.fastapi.FastAPI"
    settings.chroma_server_host = parts.hostname or ""
    settings.chroma_server_http_port = parts.port or (443 if parts.scheme == "https" else 80)
    settings.chroma_server_ssl_enabled = parts.scheme == "https"
    try:
        return _bounded_client(args, settings)
    except ValueError as error:  # what the library raises when nobody listens
        raise ConnectionError("no Chroma server there") from error


def _bounded_client(args: StoreArgs, settings: Any) -> "Client":
    """Returns Chroma's client for a server, which has no time limits of its own (1.5)."""
    import httpx
    from chromadb.api.client import Client

    class BoundedClient(Client):
        def get_user_identity(self) -> Any:
            """The first thing that a new client asks."""
            server: Any = self._server
            session: httpx.Client = server._session
            session.timeout = httpx.Timeout(args.timeout_s, connect=args.connect_timeout_s)
            session.event_hooks = {"response": [_refuse_strangers]}
            return super().get_user_identity()

        def _validate_tenant_database(self, tenant: str, database: str) -> None:
            """Would ask through another session, without time limits, what the first use of a
            collection tells."""

    return BoundedClient(settings=settings)


def _refuse_strangers(response: "httpx.Response") -> None:
    """Raises HTTPStatusError for an error that is not in Chroma's JSON: a proxy speaks. The library
    would make an exception without a class of it."""
    if response.is_error and "json" not in response.headers.get("content-type", ""):
        response.raise_for_status()
