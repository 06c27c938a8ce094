"""Questions and long streams that go on while something happens to the stack."""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

WORDS_PER_S = 5
"""Of the scripted model `lasts`."""


class Load:
    """Asks in a few threads until stopped, and counts the answers by status."""

    def __init__(
        self,
        url: str,
        *,
        threads: int,
        body: dict[str, object],
        path: str = "/v1/search",
        pause_s: float = 0.0,
    ) -> None:
        self.statuses: Counter[int] = Counter()
        self.slowest_s = 0.0
        self.problems: list[str] = []
        self._url, self._path, self._body, self._pause_s = url, path, body, pause_s
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def _ask(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as client:
            while not self._stop.wait(self._pause_s):
                began_s = time.monotonic()
                try:
                    response = client.post(self._path, json=self._body)
                    status = response.status_code
                    if status != 200:
                        self.problems.append(response.text[:300])
                except httpx.HTTPError as error:
                    status = 0
                    self.problems.append(repr(error))
                self.statuses[status] += 1
                self.slowest_s = max(self.slowest_s, time.monotonic() - began_s)

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@dataclass
class LongStream:
    """An answer of so many seconds, read by a thread of its own.

    Attributes:
        url: The service.
        model: A release whose generator is the scripted model `lasts`.
        seconds: How long the answer takes.
        words: What has come of it.
        end: `whole`, or the code of the error event that said why it ended, or what else became of
            it; "" while it goes on.
    """

    url: str
    model: str
    seconds: float
    words: int = 0
    end: str = ""
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def has_begun(self) -> bool:
        return self.words > 0

    def result(self) -> str:
        """Returns how it ended; waits for that."""
        self._thread.join(timeout=self.seconds + 60)
        return self.end or "it goes on"

    def _read(self) -> None:
        wanted = round(self.seconds * WORDS_PER_S)
        question = f"What does Retry-After say, in this many words: {wanted}"
        body = {
            "model": f"ragserve:{self.model}",
            "messages": [{"role": "user", "content": question}],
            "stream": True,
        }
        try:
            with (
                httpx.Client(base_url=self.url, timeout=60) as client,
                client.stream("POST", "/v1/chat/completions", json=body) as response,
            ):
                for line in response.iter_lines():
                    self._take(line, wanted)
        except httpx.HTTPError as error:
            self.end = self.end or repr(error)
        self.end = self.end or f"cut after {self.words} words"

    def _take(self, line: str, wanted: int) -> None:
        if line == "data: [DONE]":
            self.end = self.end or ("whole" if self.words == wanted else f"{self.words} words")
        elif line.startswith("data: "):
            event = json.loads(line.removeprefix("data: "))
            if error := event.get("error"):
                self.end = str(error["code"])
            for choice in event.get("choices", ()):
                self.words += (choice["delta"].get("content") or "").count("word")
