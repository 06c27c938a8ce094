"""Token vectors of passages that were seen before: bounded memory, least recently used go first."""

from collections import OrderedDict
from threading import Lock

from deployments.contracts.vectors import TokenVectors
from deployments.encoding.token_files import passage_key


class TokenCache:
    """Vectors by the passage's own text, so that a chunk that changed can never be mistaken for its
    former self; one cache belongs to one model.

    Args:
        max_bytes: Bound on the vectors' memory; 0 keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[bytes, TokenVectors] = OrderedDict()
        self._lock = Lock()
        self.size_bytes = 0

    def get(self, text: str) -> TokenVectors | None:
        """Returns the vectors of a text, None where they are not known."""
        key = passage_key(text)
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
            return found

    def put(self, text: str, vectors: TokenVectors) -> None:
        """Keeps the vectors of a text, and forgets others where there is no room."""
        if vectors.size_bytes > self._max_bytes:
            return
        key = passage_key(text)
        with self._lock:
            former = self._entries.pop(key, None)
            self.size_bytes += vectors.size_bytes - (former.size_bytes if former else 0)
            self._entries[key] = vectors
            while self.size_bytes > self._max_bytes:
                _, gone = self._entries.popitem(last=False)
                self.size_bytes -= gone.size_bytes
