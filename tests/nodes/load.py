"""Questions that go on while something happens to the cluster, and what came of them."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

_PAUSE_S = 0.3
"""Between two questions of a caller: the machine must have time left for what happens."""


@dataclass(frozen=True)
class Asked:
    """One question.

    Attributes:
        url: The node that it was sent to.
        status: Of the answer; 0 where the connection broke.
        began_s: When it was sent, by the monotonic clock.
        took_s: Until the whole answer was there.
        problem: What the answer says instead.
    """

    url: str
    status: int
    began_s: float
    took_s: float
    problem: str = ""


class Load:
    """Callers that each ask one node, one question after the other, as long as the block runs."""

    def __init__(self, urls: Sequence[str], key: str, *, callers: int = 4) -> None:
        self.asked: list[Asked] = []
        self._stop = threading.Event()
        self._key = key
        self._threads = [
            threading.Thread(target=self._call, args=(urls[number % len(urls)], number))
            for number in range(callers)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def failed(self) -> list[Asked]:
        """The questions that were not answered."""
        return [one for one in self.asked if one.status != 200]

    def slow(self, longer_than_s: float) -> list[Asked]:
        """Returns the questions that waited longer."""
        return [one for one in self.asked if one.took_s > longer_than_s]

    def _call(self, url: str, number: int) -> None:
        headers = {"Authorization": f"Bearer {self._key}"}
        path = "/v1/query" if number % 2 else "/v1/search"
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            while not self._stop.wait(_PAUSE_S):
                began_s = time.monotonic()
                try:
                    response = client.post(path, json={"query": "What does Retry-After say?"})
                    status, problem = response.status_code, ""
                    if status != 200:
                        problem = response.text[:300]
                except httpx.HTTPError as error:
                    status, problem = 0, repr(error)
                took_s = time.monotonic() - began_s
                self.asked.append(Asked(url, status, began_s, took_s, problem))
