"""The connection to Chroma: opened when it is needed, and looked up again when the server was
away."""

import math
import time
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from deployments.contracts.errors import Unavailable
from deployments.contracts.vectors import Vectors
from deployments.retriever.chroma.client import connect
from deployments.retriever.chroma.errors import translate
from deployments.retriever.config import StoreArgs

if TYPE_CHECKING:
    from chromadb.api.client import Client

T = TypeVar("T")


def no_vectors(count: int) -> Vectors:
    """Returns what rows are written with that have no vectors, (count, 1): Chroma stores vectors,
    and the collections beside the chunks have none to store."""
    return np.zeros((count, 1), dtype=np.float32)


class Chroma:
    """The collections of one version of the index. Every method blocks; call it from a thread.

    Args:
        args: Address or folder, and the collection's name.
        now: Clock in seconds; monotonic.
    """

    def __init__(self, args: StoreArgs, *, now: Callable[[], float] = time.monotonic) -> None:
        self._args = args
        self._now = now
        self._answered_at_s = -math.inf
        self._client: Client | None = None
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
        try:
            value = call()
        except Exception as error:
            ours = translate(error)
            if isinstance(ours, Unavailable):
                # The server may have been replaced by another one: look everything up again.
                self._collections.clear()
            if ours is error:
                raise
            raise ours from error
        self._answered_at_s = self._now()
        return value

    def silence_s(self) -> float:
        """Returns the time since the store last answered anything, infinite before
        it has; asks nobody."""
        return self._now() - self._answered_at_s

    def close(self) -> None:
        """Gives back connections; the next call opens it again."""
        with self._opening:
            client, self._client = self._client, None
            self._collections.clear()
            if client is not None:
                client.close()

    def _open(self) -> "Client":
        with self._opening:
            if self._client is None:
                self._client = connect(self._args)
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
