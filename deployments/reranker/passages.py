"""Token vectors of passages that are known: of memory first, then of the files of the node."""

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from deployments.contracts.vectors import TokenVectors
from deployments.encoding.token_files import TokenFiles
from deployments.reranker.token_cache import TokenCache


class KnownPassages:
    """Vectors by the passage's text. Safe to share between threads.

    Args:
        cache: Memory of this replica.
        files: What all replicas of the node share; None where there are none.
    """

    def __init__(self, cache: TokenCache, files: TokenFiles | None) -> None:
        self._cache = cache
        self._files = files
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="token-vectors")

    @property
    def has_files(self) -> bool:
        """Whether anything outlasts this replica."""
        return self._files is not None

    async def find(self, texts: Iterable[str]) -> dict[str, TokenVectors]:
        """Returns the vectors of those texts that are known."""
        wanted = list(dict.fromkeys(texts))
        known = self.in_memory(wanted)
        missing = [text for text in wanted if text not in known]
        if missing and self._files is not None:
            found = await asyncio.to_thread(self._files.get, missing)
            for text, vectors in found.items():
                self._cache.put(text, vectors)
            known |= found
        return known

    def in_memory(self, texts: Iterable[str]) -> dict[str, TokenVectors]:
        """Returns the vectors of those texts that memory has."""
        return {text: vectors for text in texts if (vectors := self._cache.get(text)) is not None}

    def add(self, vectors: Mapping[str, TokenVectors]) -> None:
        """Keeps the vectors of texts, in memory at once."""
        for text, one in vectors.items():
            self._cache.put(text, one)
        if vectors and self._files is not None:
            self._writer.submit(self._files.put, dict(vectors))

    async def written(self) -> None:
        """Returns when the files have what was added before."""
        await asyncio.wrap_future(self._writer.submit(lambda: None))
