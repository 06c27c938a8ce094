"""A server that judges texts: what counts, and every way in which there is no verdict."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from app.moderation.classifier import AlwaysClosed, OpenAIClassifier
from app.moderation.classifiers import Classifiers
from app.moderation.windows import windows
from app.settings.cold.breaker import BreakerArgs
from app.settings.live.moderation import ClassifierArgs
from app.stages.breaker import Breaker
from deployments.contracts.errors import BackendFailed, DeadlineExceeded, StageError, Unavailable

RESULT = {
    "flagged": True,
    "categories": {"violence": True, "hate": False},
    "category_scores": {"violence": 0.7, "hate": 0.4},
}


def classifier(
    handle: Callable[[httpx.Request], httpx.Response], **args: object
) -> OpenAIClassifier:
    settings = ClassifierArgs.model_validate({"base_url": "http://judge.test/v1", **args})
    return OpenAIClassifier(settings, AlwaysClosed(), transport=httpx.MockTransport(handle))


def answered(request: httpx.Request) -> httpx.Response:
    texts = json.loads(request.content)["input"]
    return httpx.Response(200, json={"results": [RESULT for _ in texts]})


async def test_what_the_server_has_flagged_counts() -> None:
    assert await classifier(answered).judge(["a", "b"]) == [{"violence": 0.7}] * 2


async def test_thresholds_decide_where_there_are_any() -> None:
    judge = classifier(answered, thresholds={"hate": 0.4, "violence": 0.8, "absent": 0.1})
    assert await judge.judge(["a"]) == [{"hate": 0.4}]


async def test_it_is_asked_in_its_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "secret")
    asked: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answered(request)

    judge = classifier(note, api_key_env="JUDGE_KEY", model="omni", max_sentences=2)
    assert len(await judge.judge(["a", "b", "c"])) == 3
    assert [str(one.url) for one in asked] == ["http://judge.test/v1/moderations"] * 2
    assert json.loads(asked[0].content) == {"model": "omni", "input": ["a", "b"]}
    assert asked[0].headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(401, json={}), BackendFailed),
        (httpx.Response(500, text="broken"), BackendFailed),
        (httpx.Response(200, text="no JSON"), BackendFailed),
        (httpx.Response(200, json={"results": []}), BackendFailed),
        (httpx.Response(200, json=[1]), BackendFailed),
        (httpx.Response(200, json={"results": [{"categories": {}}]}), BackendFailed),
        (httpx.Response(200, json={"results": [{"category_scores": None}]}), BackendFailed),
    ],
)
async def test_an_answer_that_is_none_is_no_verdict(
    response: httpx.Response, kind: type[StageError]
) -> None:
    with pytest.raises(kind):
        await classifier(lambda _: response).judge(["a"])


async def test_a_server_that_cannot_be_reached_is_no_verdict() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(Unavailable):
        await classifier(refuse).judge(["a"])


class Slow(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        raise AssertionError("nobody waits for so long")


async def test_it_has_its_time_and_no_more() -> None:
    args = ClassifierArgs(base_url="http://judge.test/v1", timeout_s=0.01)
    with pytest.raises(DeadlineExceeded):
        await OpenAIClassifier(args, AlwaysClosed(), transport=Slow()).judge(["a"])


async def test_one_that_fails_is_left_alone() -> None:
    calls: list[int] = []

    def fail(request: httpx.Request) -> httpx.Response:
        calls.append(1)
        return httpx.Response(500)

    breaker = Breaker("judge", BreakerArgs(failures=2, rest_s=60))
    args = ClassifierArgs(base_url="http://judge.test/v1")
    judge = OpenAIClassifier(args, breaker, transport=httpx.MockTransport(fail))
    for kind in (BackendFailed, BackendFailed, Unavailable, Unavailable):
        with pytest.raises(kind):
            await judge.judge(["a"])
    assert len(calls) == 2
    assert breaker.state == "open"


async def test_a_classifier_keeps_its_connections_until_its_settings_change() -> None:
    classifiers = Classifiers(lambda _: AlwaysClosed(), httpx.MockTransport(answered))
    args = ClassifierArgs(base_url="http://judge.test/v1")
    first = classifiers.of("judge", args)
    assert classifiers.of("judge", args.model_copy()) is first
    assert classifiers.of("judge", args.model_copy(update={"model": "other"})) is not first


def test_a_long_text_is_judged_in_bounded_windows_that_leave_nothing_out() -> None:
    text = "".join(f"Sentence {number} is here. " for number in range(2000))
    asked = windows(text)
    assert len(asked) <= 256
    assert all(f"Sentence {number} is" in "".join(asked) for number in range(2000))
    assert windows("And so. ", ["One. ", "Two. ", "Three. "]) == ["Two. Three. And so. "]
    assert windows("  ") == []
