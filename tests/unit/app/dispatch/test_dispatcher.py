"""Who answers when a canary cannot, and what it counts as."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.answering.ask import Ask, from_documents, from_generator
from app.answering.question import Question
from app.answering.written import AnswerStream
from app.dispatch.dispatcher import Served
from app.gateway import Gateway, make_gateway
from app.releases.assignment import Assignment
from app.releases.releases import Releases
from app.request.background import Background
from app.request.figures import ABORTED, FAILED, Values
from app.request.scope import RequestScope
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from app.telemetry.requests import FinishedRequest, Telemetry
from deployments.canary.evidence import Arm
from deployments.canary.policy import Judge, Policy, Shadow
from deployments.canary.rollout import Shares
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import (
    DeadlineExceeded,
    InvalidRequest,
    PromptTooLong,
    RagError,
    StageFailed,
    Unavailable,
)
from deployments.contracts.generation import (
    Events,
    Generation,
    GenerationRequest,
    Message,
    collect,
)
from deployments.rollouts import ActiveRollout, TrafficPlan
from tests.doubles import DoubleDirectory
from tests.generator_doubles import EchoGenerator, ExtractiveGenerator, read_to_failure

QUESTION = Question("When is the queue full?")
ASK = from_documents(QUESTION)
CHAT = from_generator(GenerationRequest(messages=(Message("user", "one two three four five"),)))
LIVE = GatewayLive(
    releases={
        "stable": Release(retrieval="r", generator=("generator-stable",)),
        "canary": Release(retrieval="r", generator=("generator-canary",)),
    },
    traffic={"stable": 1.0},
)


class Notes:
    """An `Observer` that remembers."""

    def __init__(self) -> None:
        self.seen: list[tuple[Assignment, Values]] = []
        self.pairs: list[Values] = []

    def observe(self, assignment: Assignment, begun_s: float, values: Values) -> None:
        self.seen.append((assignment, values))

    def observe_pair(self, assignment: Assignment, begun_s: float, values: Values) -> None:
        self.pairs.append(values)


class Versions(DoubleDirectory):
    """A generator per release."""

    def __init__(self) -> None:
        super().__init__()
        self.generators: dict[str, ExtractiveGenerator] = {
            "generator-stable": ExtractiveGenerator(),
            "generator-canary": ExtractiveGenerator(),
        }

    def generator(self, application: str) -> ExtractiveGenerator:
        return self.generators[application]


class Never(ExtractiveGenerator):
    """Does not come to an end."""

    async def stream(
        self, request: GenerationRequest, *, call: CallContext, begin_timeout_s: float
    ) -> Events:
        self.calls += 1
        try:
            async with asyncio.timeout(begin_timeout_s):
                await asyncio.Event().wait()
        except TimeoutError as error:
            raise DeadlineExceeded("The generator did not begin in time.", "generator") from error
        yield ()


@pytest.fixture
def versions() -> Versions:
    return Versions()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def service(versions: Versions, notes: Notes) -> Gateway:
    releases = Releases(versions, lambda: LIVE, TrafficPlan)
    return make_gateway(releases, GatewayArgs(shadow_concurrency=1), observer=notes)


def assignment(arm: Arm, *, shadow: bool = False, policy: Policy | None = None) -> Assignment:
    shares = Shares(baseline=0.5, shadow=0.5) if shadow else Shares(0.5, 0.5)
    rollout = ActiveRollout("r", "stable", "canary", 0, shares, 0.0, policy or Policy())
    release = "canary" if arm == "canary" and not shadow else "stable"
    return Assignment(release, "someone", rollout, arm)


def scope(timeout_s: float = 5.0) -> RequestScope:
    return RequestScope("id", asyncio.get_running_loop().time() + timeout_s)


@dataclass
class Answered:
    """What came of a request that was read to its end."""

    served: Served[AnswerStream]
    written: Generation
    scope: RequestScope

    @property
    def release(self) -> str | None:
        return self.served.release

    @property
    def degraded(self) -> list[str]:
        return self.served.record.degraded


async def ask_for(
    service: Gateway,
    assigned: Assignment,
    asked: Ask,
    timeout_s: float,
    total_s: float,
    whole: bool,
) -> Answered:
    request = scope(timeout_s)
    served = await service.dispatcher.begin(
        asked, assigned, request, timeout_s=total_s, whole=whole
    )
    return Answered(served, await collect(served.value.events), request)


async def whole(
    service: Gateway, assigned: Assignment, timeout_s: float = 5.0, ask: Ask = ASK
) -> Answered:
    return await ask_for(service, assigned, ask, timeout_s, timeout_s, whole=True)


async def streamed(service: Gateway, assigned: Assignment, timeout_s: float = 5.0) -> Answered:
    return await ask_for(service, assigned, ASK, timeout_s, 5.0, whole=False)


BOTH = pytest.mark.parametrize("way", [whole, streamed])


@BOTH
@pytest.mark.parametrize("arm", ["canary", "baseline"])
async def test_an_answer_is_evidence_once(
    service: Gateway, notes: Notes, way: Callable[..., Any], arm: Arm
) -> None:
    served = await way(service, assignment(arm))
    assert served.release == ("canary" if arm == "canary" else "stable")
    [(seen, values)] = notes.seen
    assert seen.arm == arm
    assert values["error"] == 0
    assert (values["total_ms"] or 0) > 0


async def test_a_line_of_a_batch_is_answered_as_drawn_and_is_no_evidence(
    service: Gateway, notes: Notes
) -> None:
    request = replace(scope(), background=Background())
    served = await service.dispatcher.begin(
        ASK, assignment("canary"), request, timeout_s=5.0, whole=True
    )
    await collect(served.value.events)
    assert served.release == "canary"
    assert notes.seen == []
    assert request.notes.arm is None


@BOTH
@pytest.mark.parametrize(
    "failure",
    [StageFailed("broken"), Unavailable("gone"), PromptTooLong("long")],
    ids=lambda error: error.code,
)
async def test_stable_answers_for_a_canary_that_fails(
    service: Gateway, versions: Versions, notes: Notes, way: Callable[..., Any], failure: RagError
) -> None:
    versions.generators["generator-canary"].failure = failure
    served = await way(service, assignment("canary"))
    assert served.release == "stable"
    assert served.degraded == ["canary"]
    [(seen, values)] = notes.seen
    assert (seen.arm, values) == ("canary", FAILED)


class Heard:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.requests: list[FinishedRequest] = []

    def take(self, request: FinishedRequest) -> None:
        self.requests.append(request)


@BOTH
@pytest.mark.parametrize(("timeout_s", "outcome"), [(5.0, "failed"), (0.4, "aborted")])
async def test_what_a_canary_did_in_vain_is_reported(
    versions: Versions, way: Callable[..., Any], timeout_s: float, outcome: str
) -> None:
    heard = Heard()
    releases = Releases(versions, lambda: LIVE, TrafficPlan)
    service = make_gateway(releases, GatewayArgs(), telemetry=Telemetry([heard]))
    canary = versions.generators["generator-canary"]
    if outcome == "failed":
        canary.failure = StageFailed("broken")
    else:
        versions.generators["generator-canary"] = Never()
    served = await way(service, assignment("canary"), timeout_s=timeout_s)
    [lost] = heard.requests
    assert (lost.kind, lost.outcome) == ("attempt", outcome)
    assert (lost.notes.release, lost.notes.arm) == ("canary", "canary")
    assert lost.notes.attempt is not None
    assert "embedder" in lost.notes.attempt.times
    assert lost.trace.client_span_id == served.scope.trace.span_id
    assert served.scope.notes.release == "stable"
    assert served.scope.notes.attempt is served.served.record


async def test_repetitions_under_way_end_before_the_replica_does(
    versions: Versions, notes: Notes, service: Gateway
) -> None:
    await whole(service, assignment("canary", shadow=True))
    await service.dispatcher.close(5.0)
    assert len(notes.seen) == 2


@BOTH
async def test_a_canary_that_hangs_leaves_stable_time_to_answer(
    service: Gateway, versions: Versions, notes: Notes, way: Callable[..., Any]
) -> None:
    versions.generators["generator-canary"] = Never()
    served = await way(service, assignment("canary"), timeout_s=0.4)
    assert served.release == "stable"
    assert [values for _, values in notes.seen] == [FAILED]


class Slow(ExtractiveGenerator):
    """Takes its time."""

    takes_s = 0.3

    async def stream(
        self, request: GenerationRequest, *, call: CallContext, begin_timeout_s: float
    ) -> Events:
        await asyncio.sleep(self.takes_s)
        events = super().stream(request, call=call, begin_timeout_s=begin_timeout_s)
        async with aclosing(events):
            async for batch in events:
                yield batch


@BOTH
async def test_a_slow_canary_answers_itself_where_stable_is_no_faster(
    service: Gateway, versions: Versions, notes: Notes, way: Callable[..., Any]
) -> None:
    """The same engine in both arms: the arm of the canary must not have less time."""
    versions.generators = {"generator-stable": Slow(), "generator-canary": Slow()}
    served = await way(service, assignment("canary"), timeout_s=0.5)
    assert (served.release, served.degraded) == ("canary", [])
    assert [values["error"] for _, values in notes.seen] == [0]
    assert versions.generators["generator-stable"].calls == 0


@BOTH
async def test_what_every_release_refuses_is_no_failure_of_the_canary(
    service: Gateway, versions: Versions, notes: Notes, way: Callable[..., Any]
) -> None:
    for generator in versions.generators.values():
        generator.failure = InvalidRequest("nobody understands it")
    for arm in ("canary", "baseline"):
        with pytest.raises(InvalidRequest):
            await way(service, assignment(arm))
    assert notes.seen == []


@BOTH
async def test_a_failure_of_both_is_the_failure_of_stable(
    service: Gateway, versions: Versions, notes: Notes, way: Callable[..., Any]
) -> None:
    versions.generators["generator-canary"].failure = StageFailed("canary")
    versions.generators["generator-stable"].failure = Unavailable("stable")
    with pytest.raises(Unavailable, match="stable"):
        await way(service, assignment("canary"))
    assert len(notes.seen) == 1


@BOTH
async def test_nobody_answers_for_the_baseline(
    service: Gateway, versions: Versions, notes: Notes, way: Callable[..., Any]
) -> None:
    versions.generators["generator-stable"].failure = StageFailed("stable")
    with pytest.raises(StageFailed):
        await way(service, assignment("baseline"))
    assert [(seen.arm, values) for seen, values in notes.seen] == [("baseline", FAILED)]


async def test_nobody_takes_over_after_the_first_token(
    service: Gateway, versions: Versions, notes: Notes
) -> None:
    echo = EchoGenerator()
    echo.engine.fails_after = 3
    versions.generators["generator-canary"] = echo
    served = await service.dispatcher.begin(CHAT, assignment("canary"), scope(), timeout_s=5.0)
    seen, error = await read_to_failure(served.value.events)
    assert seen
    assert isinstance(error, StageFailed)
    assert [values for _, values in notes.seen] == [FAILED]


async def test_a_whole_answer_of_a_canary_that_breaks_off_is_stables(
    service: Gateway, versions: Versions, notes: Notes
) -> None:
    echo = EchoGenerator()
    echo.engine.fails_after = 3
    versions.generators = {"generator-stable": EchoGenerator(), "generator-canary": echo}
    served = await whole(service, assignment("canary"), ask=CHAT)
    assert (served.release, served.degraded) == ("stable", ["canary"])
    assert [values for _, values in notes.seen] == [FAILED]


async def test_a_stream_that_nobody_begins_to_read_is_aborted_when_it_is_closed(
    service: Gateway, versions: Versions, notes: Notes
) -> None:
    echo = EchoGenerator()
    versions.generators["generator-canary"] = echo
    served = await service.dispatcher.begin(CHAT, assignment("canary"), scope(), timeout_s=5.0)
    assert echo.engine.running == 1
    await served.value.events.aclose()
    assert echo.engine.running == 0
    assert [values for _, values in notes.seen] == [ABORTED]


async def test_a_stream_that_its_reader_leaves_is_aborted(
    service: Gateway, versions: Versions, notes: Notes
) -> None:
    echo = EchoGenerator()
    echo.engine.gate = asyncio.Event()
    echo.engine.gate.set()
    versions.generators["generator-canary"] = echo
    served = await service.dispatcher.begin(CHAT, assignment("canary"), scope(), timeout_s=5.0)
    await anext(served.value.events)
    echo.engine.gate.clear()
    await served.value.events.aclose()
    assert [values for _, values in notes.seen] == [ABORTED]


async def test_a_caller_who_leaves_is_aborted_and_not_failed(
    service: Gateway, versions: Versions, notes: Notes
) -> None:
    versions.generators["generator-canary"] = Never()
    work = asyncio.create_task(whole(service, assignment("canary")))
    await until(lambda: versions.generators["generator-canary"].calls)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert [values for _, values in notes.seen] == [ABORTED]


async def test_a_search_is_answered_by_stable_too_and_is_no_evidence(
    service: Gateway, versions: Versions, notes: Notes
) -> None:
    served = await service.dispatcher.search(QUESTION, assignment("canary"), scope())
    assert served.release == "canary"
    versions.embedder.failure = StageFailed("all of them")
    with pytest.raises(StageFailed):
        await service.dispatcher.search(QUESTION, assignment("canary"), scope())
    assert versions.embedder.calls == 3
    assert notes.seen == []


async def test_an_assignment_by_name_is_no_evidence(service: Gateway, notes: Notes) -> None:
    assert (await whole(service, Assignment("canary"))).release == "canary"
    assert notes.seen == []


@BOTH
async def test_a_shadow_is_compared_after_the_answer(
    service: Gateway, versions: Versions, notes: Notes, way: Callable[..., Any]
) -> None:
    served = await way(service, assignment("canary", shadow=True))
    assert served.release == "stable"
    await until(lambda: notes.pairs)
    assert [(seen.arm, values["error"]) for seen, values in notes.seen] == [
        ("baseline", 0),
        ("canary", 0),
    ]
    assert notes.pairs == [{"overlap": None, "agreement": 1.0, "judge": None}]


async def test_a_shadow_that_fails_harms_nobody(
    service: Gateway, versions: Versions, notes: Notes
) -> None:
    versions.generators["generator-canary"].failure = StageFailed("canary")
    assert (await whole(service, assignment("canary", shadow=True))).release == "stable"
    await until(lambda: len(notes.seen) == 2)
    assert [(seen.arm, values["error"]) for seen, values in notes.seen] == [
        ("baseline", 0),
        ("canary", 1),
    ]
    assert notes.pairs == []


async def test_shadows_are_bounded(service: Gateway, versions: Versions, notes: Notes) -> None:
    for _ in range(3):
        await whole(service, assignment("canary", shadow=True))
    await until(lambda: notes.pairs)
    await asyncio.sleep(0.05)
    assert versions.generators["generator-canary"].calls == 1


class Sayer(ExtractiveGenerator):
    """Says always the same."""

    def __init__(self, says: str) -> None:
        super().__init__()
        self.says = says

    async def stream(
        self, request: GenerationRequest, *, call: CallContext, begin_timeout_s: float
    ) -> Events:
        self._enter()
        yield (Generation(self.says, (), True, "stop", 1, 1, "sayer"),)


@pytest.mark.parametrize(
    ("says", "score"),
    [
        ("A", 0.5),
        (" b.", 0.5),
        ("**Tie**", 0.5),
        ("I cannot say", None),
        ("A clear win for B", None),
        ("", None),
    ],
)
async def test_a_judge_that_favours_a_place_decides_nothing(
    service: Gateway, versions: Versions, notes: Notes, says: str, score: float | None
) -> None:
    umpire = versions.generators["generator-umpire"] = Sayer(says)
    versions.generators["generator-canary"] = Sayer("Never.")
    policy = Policy(shadow=Shadow(), judge=Judge(generator="generator-umpire", max_pairs=1))
    for number in range(2):
        await whole(service, assignment("canary", shadow=True, policy=policy))
        await until(lambda expected=number + 1: len(notes.pairs) == expected)  # type: ignore[misc]
    assert [pair["judge"] for pair in notes.pairs] == [score, None]
    assert umpire.calls == 2


async def test_a_judge_that_is_away_says_nothing(
    service: Gateway, versions: Versions, notes: Notes
) -> None:
    umpire = versions.generators["generator-umpire"] = Sayer("A")
    umpire.failure = Unavailable("away")
    versions.generators["generator-canary"] = Sayer("Never.")
    policy = Policy(shadow=Shadow(), judge=Judge(generator="generator-umpire"))
    await whole(service, assignment("canary", shadow=True, policy=policy))
    await until(lambda: notes.pairs)
    assert notes.pairs[0]["judge"] is None


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_an_answer_that_a_policy_ends_is_evidence_and_stays_the_canarys(
    versions: Versions, notes: Notes
) -> None:
    moderation = {
        "blocklists": {"names": {"terms": ["five"]}},
        "policies": {"strict": {"output": {"blocklist": ["names"]}}},
        "default": "strict",
    }
    live = GatewayLive.model_validate({**LIVE.model_dump(), "moderation": moderation})
    versions.generators["generator-canary"] = EchoGenerator()
    service = make_gateway(Releases(versions, lambda: live), GatewayArgs(), observer=notes)
    answered = await whole(service, assignment("canary"), ask=CHAT)
    assert (answered.release, answered.degraded) == ("canary", [])
    assert (answered.written.finish_reason, answered.written.text) == ("content_filter", "")
    assert answered.written.completion_tokens > 0, "it is charged"
    [(assigned, values)] = notes.seen
    assert assigned.arm == "canary"
    assert (values["blocked"], values["error"]) == (1.0, 0.0)
