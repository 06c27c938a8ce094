"""Somebody who asks again and again while a page is looked at."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.console.conftest import URL

QUESTIONS = (
    "What does Retry-After say?",
    "How is a canary judged?",
    "What does the reranker do?",
    "How are documents split?",
)


@contextmanager
def asking(users: int = 3) -> Iterator[None]:
    """Has some users ask, each in one request after the other."""
    is_over = threading.Event()

    def run(number: int) -> None:
        with httpx.Client(base_url=URL, timeout=30) as client:
            at = 0
            while not is_over.is_set():
                at += 1
                # Others than before, so that none has been answered already.
                question = f"{QUESTIONS[at % len(QUESTIONS)]} (case {number}-{at})"
                body = {"query": question, "user": f"user-{number}-{at}"}
                client.post("/v1/query", json=body)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(users)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
