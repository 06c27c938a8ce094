"""How much the service holds, and the memory that it takes for it."""

from typing import Any

import httpx
import psutil

_REPLICA = "ServeReplica:"
_DEPLOYMENT = ":Retriever"
_PAGE_DOCUMENTS = 1000


class NoService(Exception):
    """The service does not say what it holds; the message is for the user."""


def count_chunks(url: str) -> int:
    """Returns the chunks of all documents.

    Raises:
        NoService: The list of documents could not be read.
    """
    chunks: int = 0
    cursor: str | None = None
    with httpx.Client(base_url=url, timeout=60.0) as client:
        while True:
            page = _page(client, cursor)
            chunks += sum(int(document["chunk_count"]) for document in page["documents"])
            cursor = page["next_cursor"]
            if cursor is None:
                return chunks


def retriever_memory_mb() -> list[float]:
    """Returns the resident memory of every replica of the retriever on this machine, in MB of 10^6
    bytes, the largest first."""
    found: list[float] = []
    for process in psutil.process_iter():
        try:
            name = " ".join(process.cmdline())
            if _REPLICA in name and _DEPLOYMENT in name:
                found.append(round(process.memory_info().rss / 1e6, 1))
        except psutil.Error:
            continue  # It ended, or is not ours.
    return sorted(found, reverse=True)


def _page(client: httpx.Client, cursor: str | None) -> Any:
    parameters: dict[str, str | int] = {"limit": _PAGE_DOCUMENTS}
    if cursor is not None:
        parameters["cursor"] = cursor
    try:
        answer = client.get("/v1/documents", params=parameters)
        answer.raise_for_status()
        return answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise NoService(f"The list of documents could not be read: {error}") from error
