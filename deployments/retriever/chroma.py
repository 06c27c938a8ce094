"""The connection to Chroma: opened when it is needed, and again when the server was away."""

from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import numpy as np

from deployments.contracts.documents import Vectors
from deployments.contracts.errors import InvalidRequest, StageFailed, Unavailable
from deployments.retriever.config import StoreArgs

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

T = TypeVar("T")
_STAGE = "retriever"


def no_vectors(count: int) -> Vectors:
    """Returns what rows are written with that have no vectors, (count, 1): Chroma stores vectors,
    and the collections beside the chunks have none to store."""
    return np.zeros((count, 1), dtype=np.float32)


class Chroma:
    """The collections of one version of the index. Every method blocks; call it from a thread.

    Args:
        args: Address or folder, and the collection's name.
    """

    def __init__(self, args: StoreArgs) -> None:
        self._args = args
        self._client: ClientAPI | None = None
        self._collections: dict[str, Any] = {}
        # An embedded Chroma that several threads open at the same moment is broken for all of them.
        self._opening = RLock()

    def ping(self) -> None:
        """Raises Unavailable when the store does not answer."""
        self.guard(lambda: self._open().heartbeat())

    def chunks(self) -> Any:
        """Returns the collection of the chunks."""
        return self._collection(self._args.collection)

    def beside(self, suffix: str) -> Any:
        """Returns the collection `<name>-<suffix>`."""
        return self._collection(f"{self._args.collection}-{suffix}")

    def guard(self, call: Callable[[], T]) -> T:
        """Runs one call of the library and turns what it raises into our errors."""
        import httpx
        from chromadb.errors import ChromaError, InvalidArgumentError

        try:
            return call()
        except (InvalidArgumentError, ValueError, TypeError) as error:
            # What the library itself refuses is a ValueError, and its text quotes the filter.
            if isinstance(error, InvalidArgumentError) and "dimension" in str(error).lower():
                raise StageFailed(
                    "The collection holds vectors of another embedding model.", _STAGE
                ) from error
            raise InvalidRequest("The store does not understand the filter.", _STAGE) from error
        except (httpx.HTTPError, ChromaError, OSError) as error:
            # The server may have been replaced by another one: look everything up again.
            self._client = None
            self._collections.clear()
            raise Unavailable("The vector store does not answer.", _STAGE, 1.0) from error

    def _open(self) -> "ClientAPI":
        with self._opening:
            if self._client is None:
                self._client = _connect(self._args)
            return self._client

    def _collection(self, name: str) -> Any:
        # Whatever fails in another thread forgets all collections: each is looked up once.
        found = self._collections.get(name)
        if found is not None:
            return found
        with self._opening:
            found = self._collections.get(name)
            if found is None:
                found = self._collections[name] = self.guard(
                    lambda: self._open().get_or_create_collection(
                        name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
                    )
                )
            return found


def _connect(args: StoreArgs) -> "ClientAPI":
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    settings = ChromaSettings(anonymized_telemetry=False)
    if args.path is not None:
        return chromadb.PersistentClient(args.path, settings=settings)
    parts = urlsplit(args.url or "")
    try:
        return chromadb.HttpClient(
            host=parts.hostname or "",
            port=parts.port or (443 if parts.scheme == "https" else 80),
            ssl=parts.scheme == "https",
            settings=settings,
        )
    except ValueError as error:  # what the library raises when nobody listens
        raise ConnectionError("no Chroma server there") from error
