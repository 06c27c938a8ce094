"""People and programs that use the running service, for locust; `benchmarks.load_test` runs it.

A mix of questions, chats, searches, embeddings and reranking, each user with pauses to think in
between. A user who is refused stays away as long as the service says. Another kind of request is
one more task: a method with a weight.

Example: locust -f benchmarks/locustfile.py --host http://127.0.0.1:8000
"""

import math
import os
import random
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from locust import FastHttpUser, events, tag, task
from locust.env import Environment
from locust.event import EventHook

from benchmarks.load.driver import Outcome
from benchmarks.locust_support.answers import Judgement, judge_answer, judge_stream
from benchmarks.locust_support.request_log import Request, RequestWriter
from benchmarks.locust_support.run import KEYS_VARIABLE, parse_header
from benchmarks.texts import guide_questions, read_texts

_THINK_SIGMA = 0.6
"""Spread of the logarithm of a pause: one in twenty is more than 2.7 times the median."""
_MAX_EMBEDDED = 4
_RERANKED = 20


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--queries",
        env_var="RAGSERVE_QUERIES",
        default="",
        help='File of questions, one per line, or JSONL with "text"; the guide\'s headings if none',
    )
    parser.add_argument(
        "--think-median-s", type=float, default=1.0, help="Median pause of a user, in seconds"
    )
    parser.add_argument("--request-log", default="", help="CSV to write every request to")
    parser.add_argument("--model", default="ragserve", help="What requests name as their model")
    parser.add_argument(
        "--header", action="append", default=[], help="NAME: VALUE, sent with every request"
    )


def _prepare(environment: Environment, **_: object) -> None:
    options = environment.parsed_options
    file = options.queries if options else ""
    _Caller.questions = read_texts(Path(file)) if file else guide_questions()
    _Caller.think_median_s = options.think_median_s if options else 1.0
    _Caller.keys = os.environ.get(KEYS_VARIABLE, "").split()
    if options:
        _Caller.model = options.model
        _Caller.headers = dict(parse_header(header) for header in options.header)
    if options and options.request_log:
        _log_requests(environment, Path(options.request_log))


def _log_requests(environment: Environment, path: Path) -> None:
    writer = RequestWriter(path)
    begin_s = time.time()

    def begin(**_: object) -> None:
        nonlocal begin_s
        begin_s = time.time()

    def write(
        name: str, start_time: float, response_time: float, context: dict[str, Any], **_: object
    ) -> None:
        outcome: Outcome = context.get("outcome", "failed")
        detail = str(context.get("detail", ""))
        writer.write(Request(start_time - begin_s, name, response_time, outcome, detail))

    _listen(environment.events.test_start, begin)
    _listen(environment.events.request, write)
    _listen(environment.events.quit, lambda **_: writer.close())


def _listen(hook: EventHook, listener: Callable[..., None]) -> None:
    hook.add_listener(listener)  # type: ignore[no-untyped-call]


_listen(events.init_command_line_parser, _add_arguments)
_listen(events.init, _prepare)


class _Caller(FastHttpUser):
    """Sends requests, judges the answers, and waits as it is told."""

    abstract = True
    network_timeout = 60.0
    questions: list[str] = []
    think_median_s = 1.0
    keys: list[str] = []
    headers: dict[str, str] = {}
    model = "ragserve"
    _retry_after_s = 0.0

    def on_start(self) -> None:
        """Takes one of the keys for good, as a person has one."""
        self._headers = dict(self.headers)
        if self.keys:
            self._headers["Authorization"] = f"Bearer {random.choice(self.keys)}"

    def wait_time(self) -> float:
        """Returns the pause until the next request, in seconds."""
        pause_s = random.lognormvariate(math.log(self.think_median_s), _THINK_SIGMA)
        told_s, self._retry_after_s = self._retry_after_s, 0.0
        return max(pause_s, told_s)

    def _question(self) -> str:
        return random.choice(self.questions)

    def _post(self, path: str, body: dict[str, Any], *, field: str) -> Any:
        """Returns the value of the answer's field, None when there is none."""
        with self.client.post(
            path, json=body, headers=self._headers, catch_response=True
        ) as response:
            judgement, value = judge_answer(
                response.status_code,
                # As a mapping its headers have several values each.
                dict(response.headers.items()) if response.headers else {},
                response.content or b"",
                field=field,
                error=getattr(response, "error", None),
            )
            self._report(response, judgement)
        return value

    def _stream(self, path: str, body: dict[str, Any]) -> None:
        """Reads a streamed answer to its end; its time is that of the first token, with which the
        service sends the headers."""
        asked = {**body, "stream": True}
        with self.client.post(
            path, json=asked, headers=self._headers, catch_response=True, stream=True
        ) as response:
            status = response.status_code
            content = response.iter_content(65536, decode_content=False) if status else ()
            judgement = judge_stream(
                status,
                dict(response.headers.items()) if response.headers else {},
                b"".join(content),
                error=getattr(response, "error", None),
            )
            self._report(response, judgement)

    def _report(self, response: Any, judgement: Judgement) -> None:
        """Tells locust what became of a request."""
        response.request_meta["context"] = {
            "outcome": judgement.outcome,
            "detail": judgement.detail,
        }
        if judgement.outcome == "failed":
            response.failure(judgement.detail)
        else:
            response.success()
        self._retry_after_s = judgement.retry_after_s


class Asker(_Caller):
    """Asks for answers only, whole and streamed: all that a rollout compares."""

    @tag("query")
    @task(3)
    def query(self) -> None:
        """Wants an answer."""
        self._post("/v1/query", {"query": self._question()}, field="answer")

    @tag("chat")
    @task(1)
    def chat(self) -> None:
        """Wants an answer while it is written."""
        turns = [{"role": "user", "content": self._question()}]
        self._stream("/v1/chat/completions", {"model": self.model, "messages": turns})


class Reader(_Caller):
    """Asks, searches, and uses the stages on their own."""

    _passages: list[str] = []

    @tag("query")
    @task(40)
    def query(self) -> None:
        """Wants an answer."""
        self._post("/v1/query", {"query": self._question()}, field="answer")

    @tag("chat")
    @task(20)
    def chat(self) -> None:
        """Wants an answer while it is written."""
        turns = [{"role": "user", "content": self._question()}]
        self._stream("/v1/chat/completions", {"model": self.model, "messages": turns})

    @tag("search")
    @task(20)
    def search(self) -> None:
        """Wants passages, and remembers them."""
        body = {"query": self._question(), "top_k": _RERANKED, "top_n": _RERANKED}
        found = self._post("/v1/search", body, field="results")
        if found:
            self._passages = [result["text"] for result in found]

    @tag("embeddings")
    @task(15)
    def embeddings(self) -> None:
        """Wants vectors of a few texts."""
        texts = random.choices(self.questions, k=random.randint(1, _MAX_EMBEDDED))
        self._post("/v1/embeddings", {"model": self.model, "input": texts}, field="data")

    @tag("rerank")
    @task(5)
    def rerank(self) -> None:
        """Wants the passages of the last search in order; before the first one, other questions."""
        texts = self._passages or random.choices(self.questions, k=_RERANKED)
        body = {"model": self.model, "query": self._question(), "documents": texts}
        self._post("/v1/rerank", body, field="results")
