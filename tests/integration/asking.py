"""Questions and long streams that go on while something happens to the stack."""

import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

WORDS_PER_S = 5
"""Of the scripted model `lasts`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question.

    Attributes:
        url: The service, or the node, that it was sent to.
        status: Of the answer; 0 where the connection broke.
        took_s: Until the whole answer was there.
        problem: What the answer says instead.
    """

    url: str
    status: int
    took_s: float
    problem: str = ""


class Load:
    """Callers that each ask one question after the other, as long as the block runs.

    Args:
        urls: Whom to ask; callers take turns at them.
        threads: How many callers there are.
        body: What they send.
        paths: Where to; callers take turns at them, too.
        pause_s: Time between two questions of a caller.
        key: API key, where the service asks for one.
    """

    def __init__(
        self,
        *urls: str,
        threads: int,
        body: dict[str, object],
        paths: Sequence[str] = ("/v1/search",),
        pause_s: float = 0.0,
        key: str = "",
    ) -> None:
        self.asked: list[Asked] = []
        self._body, self._pause_s = body, pause_s
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._call, args=(urls[number % len(urls)], paths[number % len(paths)])
            )
            for number in range(threads)
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
    def statuses(self) -> Counter[int]:
        """How many answers there were of each status."""
        return Counter(question.status for question in self.asked)

    @property
    def failed(self) -> list[Asked]:
        """The questions that were not answered."""
        return [question for question in self.asked if question.status != 200]

    def slow(self, longer_than_s: float) -> list[Asked]:
        """Returns the questions that waited longer."""
        return [question for question in self.asked if question.took_s > longer_than_s]

    def _call(self, url: str, path: str) -> None:
        with httpx.Client(base_url=url, headers=self._headers, timeout=60) as client:
            while not self._stop.wait(self._pause_s):
                began_s = time.monotonic()
                try:
                    response = client.post(path, json=self._body)
                    status = response.status_code
                    problem = "" if status == 200 else response.text[:300]
                except httpx.HTTPError as error:
                    status, problem = 0, repr(error)
                self.asked.append(Asked(url, status, time.monotonic() - began_s, problem))


@dataclass
class LongStream:
    """An answer of so many seconds, read by a thread of its own.

    Attributes:
        url: The service.
        model: A release whose generator is the scripted model `lasts`.
        seconds: How long the answer takes.
        words: What has come of it.
        end: `whole`, or the error event that said why it ended, its code first, or what else became
            of it; "" while it goes on.
        longest_gap_s: Time between two words at most.
    """

    url: str
    model: str
    seconds: float
    words: int = 0
    end: str = ""
    longest_gap_s: float = 0.0
    _latest_s: float = field(init=False, default=0.0)
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
                self.end = f"{error['code']}: {error['message']}"
            for choice in event.get("choices", ()):
                self._heard((choice["delta"].get("content") or "").count("word"))

    def _heard(self, words: int) -> None:
        if words:
            now_s = time.monotonic()
            if self.words:
                self.longest_gap_s = max(self.longest_gap_s, now_s - self._latest_s)
            self.words, self._latest_s = self.words + words, now_s
