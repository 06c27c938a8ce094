"""One deployment of another application, asked over a Serve handle.

Handles are looked up on first use and not at start, because an application may be deployed after
the gateway. A call whose replica went away is repeated once, where a repetition is safe.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, cast

from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from app.request.waiting import note_call, note_wait
from app.settings.cold.gateway import GatewayArgs
from app.stages.breaker import Breakers
from app.stages.coalescing import Coalescer
from app.stages.hedging import Hedging
from deployments.contracts.calls import CallContext, StageCall, StageOutcome
from deployments.contracts.errors import DeadlineExceeded, StageError, Unavailable
from deployments.contracts.search import Timed
from deployments.serving.begun import BegunStream, begin
from deployments.serving.calls import call_stage, stream_stage, translate
from deployments.serving.replicas import ReplicaWatch, replica_count


@dataclass(frozen=True, slots=True)
class Merging:
    """What of one deployment may travel together: at most so many requests, of so much weight;
    whether requests gather while calls are away, as `CoalescingArgs` says; and whether a call that
    is late may be sent again, as `HedgingArgs` says."""

    max_items: int
    max_weight: int
    gathers: bool = False
    hedges: bool = False


_MERGING = {
    # Characters: about what the model takes in one batch, so that nobody waits for a second one.
    "Embedder": Merging(max_items=32, max_weight=4000, gathers=True, hedges=True),
    # What has a weight is a search.
    "Retriever": Merging(max_items=32, max_weight=32, gathers=True, hedges=True),
    # Work that grows with every call: a long line of them would come back all at the end.
    "Reranker": Merging(max_items=4, max_weight=200, hedges=True),  # passages
    "Generator": Merging(max_items=4, max_weight=4),
}
_ALONE = Merging(max_items=1, max_weight=0)
_BACKGROUND_CALLS = 2
"""Calls on their way to one deployment at once that nobody waits for."""


def _retrying(attempts: int) -> AsyncRetrying:
    return AsyncRetrying(
        retry=retry_if_exception_type(Unavailable),
        stop=stop_after_attempt(attempts),
        wait=wait_fixed(0.05),
        reraise=True,
    )


class StageHandle:
    """A deployment of another application, looked up when it is first needed.

    Args:
        application: Name of its application.
        deployment: Its name.
        args: How calls to it travel together, and how long what it said of itself is believed.
        breakers: Decide when it is left alone because it fails.
        max_calls: Calls on their way to it at once before others merge; by default what the
            settings say.
        says: What errors call it; by default its name.
        like: The deployment as which its calls travel together; by default its own name.
    """

    def __init__(
        self,
        application: str,
        deployment: str,
        args: GatewayArgs,
        breakers: Breakers,
        *,
        max_calls: int | None = None,
        says: str | None = None,
        like: str | None = None,
    ) -> None:
        self._application = application
        self._deployment = deployment
        self._stage = says or deployment.lower()
        self._breaker = breakers.of(application, self._stage)
        self._description_max_age_s = args.description_max_age_s
        self._description: dict[str, object] = {}
        self._description_until_s = 0.0
        self._handle: Any = None
        self._streaming_handle: Any = None
        self._replicas = ReplicaWatch(self._stage)
        merging = _MERGING.get(like or deployment, _ALONE)

        def coalescer(most: int) -> Coalescer[StageCall, StageOutcome]:
            return Coalescer(
                self._send,
                max_calls=most,
                max_items=merging.max_items,
                max_weight=merging.max_weight,
                waiting_per_call=args.coalescing.waiting_per_call if merging.gathers else 0,
                patience_s=args.coalescing.patience_s,
                hedging=Hedging(args.hedging, self._has_others) if merging.hedges else None,
            )

        self._coalescer = coalescer(max_calls or args.concurrent_stage_calls)
        # Apart: who travels with what nobody waits for would wait for it.
        self._background_coalescer = coalescer(_BACKGROUND_CALLS)

    async def call(
        self,
        method: str,
        *args: object,
        call: CallContext,
        attempts: int = 2,
        weight: int | None = None,
        **options: object,
    ) -> Any:
        """Returns what the method returned; tries again when the replica was not there or went
        away.

        Args:
            method: Name of the stage's method.
            args: Its arguments.
            call: The request, and the time it has left.
            attempts: How often to try; 1 for what must not be repeated.
            weight: How much of a merged call this is; None travels alone.
            options: Its keyword arguments.

        Raises:
            RagError: what the stage raised, or what became of the call.
        """
        self._require_time(call)
        with self._breaker.guard(call.timeout_s):
            return await self._ask(StageCall(method, args, options, call), weight, attempts)

    async def describe(self, *, call: CallContext) -> dict[str, object]:
        """See `Stage.describe`. Asked also while the breaker is open: this is how it is found out
        from outside what is wrong."""
        self._require_time(call)
        told = await self._ask(StageCall("describe", (), {}, call), weight=None, attempts=2)
        self._description = cast(dict[str, object], told)
        self._description_until_s = asyncio.get_running_loop().time() + self._description_max_age_s
        return self._description

    async def description(self, *, call: CallContext) -> dict[str, object]:
        """See `Stage.description`."""
        if asyncio.get_running_loop().time() >= self._description_until_s:
            try:
                await self.describe(call=call)
            except StageError:
                # What it is has not changed because it does not answer: that is for its next call
                # to find out.
                if not self._description:
                    raise
        return self._description

    async def _ask(self, asked: StageCall, weight: int | None, attempts: int) -> object:
        now_s = asyncio.get_running_loop().time
        deadline_s = now_s() + asked.context.timeout_s
        async for attempt in _retrying(attempts):
            with attempt:
                started_s = now_s()
                left_s = deadline_s - started_s
                call = replace(asked, context=replace(asked.context, timeout_s=left_s))
                try:
                    async with asyncio.timeout(left_s):
                        if weight is None:
                            [outcome] = await self._send([call])
                        else:
                            together = self._coalescer
                            if call.context.background:
                                together = self._background_coalescer
                            outcome = await together.submit(call, weight=weight)
                except TimeoutError as error:
                    note_wait(now_s() - started_s)
                    raise DeadlineExceeded(
                        f"The {self._stage} did not answer in time.", self._stage
                    ) from error
                if outcome.error is not None:
                    raise outcome.error
                if isinstance(outcome.value, Timed):
                    note_call(now_s() - started_s, outcome.value.times)
                return outcome.value
        raise AssertionError("the retry loop ends with a result or an error")

    async def call_stream(
        self,
        method: str,
        *args: object,
        call: CallContext,
        begin_timeout_s: float,
        next_timeout_s: float,
    ) -> AsyncGenerator[Any, None]:
        """Yields what the method yields; tries again while nothing was yielded, as `call` does.

        Closing it cancels the method on its replica.

        Args:
            method: Name of the stage's method, an async generator.
            args: Its arguments.
            call: The request, and the time until the end.
            begin_timeout_s: Time until the first item.
            next_timeout_s: Time between two items.

        Raises:
            RagError: what the stage raised, or what became of the call.
        """
        self._require_time(call)
        with self._breaker.guard(begin_timeout_s) as guarded:
            try:
                async with asyncio.timeout(begin_timeout_s):
                    begun = await self._begin(StageCall(method, args, {}, call), next_timeout_s)
            except TimeoutError as error:
                note_wait(begin_timeout_s)
                raise DeadlineExceeded(
                    f"The {self._stage} did not begin in time.", self._stage
                ) from error
            guarded.began()
            async with aclosing(begun):
                async for value in begun:
                    yield value

    async def _begin(self, call: StageCall, next_timeout_s: float) -> BegunStream[Any]:
        """Returns a stream that has yielded: what fails before can be told again."""
        deadline_s = asyncio.get_running_loop().time() + call.context.timeout_s
        async for attempt in _retrying(attempts=2):
            with attempt:
                left_s = deadline_s - asyncio.get_running_loop().time()
                again = replace(call, context=replace(call.context, timeout_s=left_s))
                return await begin(self._open(again, next_timeout_s))
        raise AssertionError("the retry loop ends with a result or an error")

    async def _open(self, call: StageCall, next_timeout_s: float) -> AsyncGenerator[Any, None]:
        if self._streaming_handle is None:
            self._streaming_handle = (await self._find()).options(
                method_name="run_stream", stream=True
            )
        handle = self._streaming_handle
        with self._replicas.over(handle, lambda: handle.remote(call)) as response:
            outcomes = stream_stage(
                response,
                stage=self._stage,
                timeout_s=call.context.timeout_s,
                next_timeout_s=next_timeout_s,
            )
            async with aclosing(outcomes):
                async for outcome in outcomes:
                    if outcome.error is not None:
                        raise outcome.error
                    yield outcome.value

    async def _send(self, calls: Sequence[StageCall]) -> list[StageOutcome]:
        handle = await self._find()
        with self._replicas.over(handle, lambda: handle.remote(list(calls))) as response:
            answer = await call_stage(
                response,
                stage=self._stage,
                timeout_s=max(call.context.timeout_s for call in calls),
            )
        return cast(list[StageOutcome], answer)

    def _has_others(self) -> bool:
        return replica_count(self._handle) > 1

    def _require_time(self, call: CallContext) -> None:
        if call.timeout_s <= 0:
            raise DeadlineExceeded(
                f"The request's time was up before the {self._stage} was asked.", self._stage
            )

    async def _find(self) -> Any:
        if self._handle is None:
            try:
                # The lookup asks the controller and blocks.
                found: Any = await asyncio.to_thread(
                    serve.get_deployment_handle, self._deployment, self._application
                )
            except RayServeException as error:
                raise translate(error, stage=self._stage) from error
            except KeyError as error:  # what Serve raises where the application has no such one
                raise Unavailable(
                    f"The {self._stage} is not deployed at the moment.", self._stage
                ) from error
            # Contracts are importable on both sides: nothing needs cloudpickle, which is slower.
            self._handle = found.options(
                method_name="run", request_serialization="pickle", response_serialization="pickle"
            )
        return self._handle


def deployments_of(application: str) -> list[str]:
    """Returns the names of the deployments of an application as Serve's controller knows them, none
    where it does not know it. Blocks."""
    try:
        status = serve.status().applications.get(application)
    except (RayError, RayServeException):
        return []
    return [] if status is None else list(status.deployments)
