"""A set of questions is put to releases: each question to all of them in turn."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager

import httpx

from app.cli.evaluate.judging import Judged, failed, judge
from app.cli.evaluate.questions import Known
from app.client.api_errors import ApiError
from app.client.client import Client
from app.schemas.wire import RELEASE_HEADER

MAIN = "service"
"""Stands for whichever release the service gives a question to."""


@contextmanager
def clients(
    url: str, key: str, releases: Sequence[str], *, timeout_s: float
) -> Iterator[dict[str, Client]]:
    """Gives a client for each release; for the service as it is, where none is named."""
    with ExitStack() as stack:
        found = {}
        for release in releases or [MAIN]:
            headers = {RELEASE_HEADER: release} if releases else {}
            http = stack.enter_context(httpx.Client(headers=headers, trust_env=False))
            found[release] = stack.enter_context(
                Client(url, api_key=key, timeout_s=timeout_s, http_client=http)
            )
        yield found


def ask_all(
    questions: Sequence[Known],
    asked: Mapping[str, Client],
    *,
    at_once: int,
    on_answer: Callable[[Judged], object],
) -> list[Judged]:
    """Returns what came of each question and release, in their order; a request that fails is one
    of the results."""
    pairs = [(known, release) for known in questions for release in asked]
    results: dict[int, Judged] = {}
    with ThreadPoolExecutor(at_once) as pool:
        waiting = {
            pool.submit(_ask, known, release, asked[release]): place
            for place, (known, release) in enumerate(pairs)
        }
        try:
            for done in as_completed(waiting):
                results[waiting[done]] = done.result()
                on_answer(results[waiting[done]])
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [results[place] for place in range(len(pairs))]


def _ask(known: Known, release: str, client: Client) -> Judged:
    started_s = time.perf_counter()
    try:
        told = client.query(known.question)
    except ApiError as error:
        return failed(known, release, str(error), (time.perf_counter() - started_s) * 1e3)
    return judge(known, release, told, (time.perf_counter() - started_s) * 1e3)
