"""Works on batches beside the requests of one gateway replica.

Two things go on: about once a second the keeper of batches is told what became of lines and gives
out more, and in between lines begin as `may_begin` says. What was not told when the process dies is
worked on again by somebody else.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from starlette.types import ASGIApp

from app.batches.inner_request import InnerAnswer, ask_inside, refused
from app.batches.outcome import outcome_of, refusal_of_stream, unplanned
from app.batches.pace import may_begin
from app.batches.source_line import read_source, source_outcome_of, unplanned_source
from app.request.background import Background
from app.request.principal import Principal
from app.settings.cold.batches import BatchWorkArgs
from deployments.batches.contract import (
    BatchStage,
    Line,
    LineKey,
    LineResult,
    PutOff,
    Work,
    WorkReport,
    line_id,
)
from deployments.batches.ingestion import INGEST_PATH
from deployments.batches.owners import key_of_owner, tenant_of_owner
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import RagError

_log = logging.getLogger("ray.serve")
_IDLE_S = 1.5
"""Time between two looks for work where there was none."""
_TOLD_EVERY_S = 0.5
_LOOK_S = 0.01
"""Time between two looks whether a line may begin."""
_TOLD_AT_ONCE = 32
"""Results that do not wait for their time."""
_MOST_UNTOLD_BYTES = 16 * 2**20
"""While nobody takes results, no more lines begin over this."""
_TOLD_BYTES = 4 * 2**20
_TIMEOUT_S = 10.0
_LAST_WORD_S = 2.0
PrincipalOf = Callable[[str, str, frozenset[str] | None], Awaitable[Principal]]
Load = Callable[[], tuple[int, float]]
"""Returns how many requests are open that somebody waits for, and for how long none has been."""


class BatchRunner:
    """Works on lines, from `begin` to `close`.

    Args:
        keeper: Has the batches.
        app: Answers lines.
        load: What lines stand back for.
        args: How many run at once.
        name: Names this process.
        principal_of: Returns who a line is asked for, by the id of a key, its tenant and its
            groups; raises Unauthorized where the key holds no more.
    """

    def __init__(
        self,
        keeper: BatchStage,
        app: ASGIApp,
        load: Load,
        args: BatchWorkArgs,
        *,
        name: str,
        principal_of: PrincipalOf,
    ) -> None:
        self._keeper = keeper
        self._app = app
        self._load = load
        self._args = args
        self._name = name
        self._principal_of = principal_of
        self._waiting: deque[Line] = deque()
        self._running: dict[LineKey, asyncio.Task[None]] = {}
        self._results: list[LineResult] = []
        self._put_off: list[PutOff] = []
        self._begun_s = self._took_s = 0.0
        self._woken = asyncio.Event()
        self._failing = False
        self._loops: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Goes on by itself from now on."""
        if self._args.max_lines:
            loops = (self._keep_telling(), self._keep_beginning())
            self._loops = [asyncio.create_task(loop) for loop in loops]

    async def close(self) -> None:
        """Stops, tells what there is to tell, and leaves its lines to others."""
        tasks = [*self._loops, *self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
            self._waiting.clear()
            self._running.clear()
            await self.exchange(wants=0, timeout_s=_LAST_WORD_S)

    async def exchange(self, *, wants: int | None = None, timeout_s: float = _TIMEOUT_S) -> bool:
        """Tells and asks once, and returns whether there was an answer."""
        results, put_off = _first(self._results), list(self._put_off)
        # What has ended and is not told yet is still this runner's.
        held = [
            *(line.key for line in self._waiting),
            *self._running,
            *(result.key for result in self._results[len(results) :]),
        ]
        if wants is None:
            wants = self._wants()
        report = WorkReport(self._name, held, results, put_off, wants)
        try:
            work = await self._keeper.exchange(report, call=CallContext(self._name, timeout_s))
        except RagError as error:
            if not self._failing:
                _log.warning("the batch keeper does not answer, results wait: %s", error)
            self._failing = True
            return False
        self._failing = False
        del self._results[: len(results)]
        del self._put_off[: len(put_off)]
        self._take(work)
        return True

    def _take(self, work: Work) -> None:
        lost = set(work.lost)
        if lost:
            self._waiting = deque(line for line in self._waiting if line.key not in lost)
            for key in lost & set(self._running):
                self._running[key].cancel()
            self._results = [one for one in self._results if one.key not in lost]
            self._put_off = [one for one in self._put_off if one.key not in lost]
        self._waiting.extend(work.lines)

    def _wants(self) -> int:
        """Returns how many lines to ask for: as many again as may run, so that none of them waits
        for the next answer."""
        most = 4 * self._args.max_lines
        return max(most - len(self._waiting), 0) if self._may_hold_more() else 0

    def _may_hold_more(self) -> bool:
        return sum(len(one.content) for one in self._results) < _MOST_UNTOLD_BYTES

    async def _keep_telling(self) -> None:
        while True:
            try:
                answered = await self.exchange()
            except Exception:
                _log.exception("batches wait")
                answered = False
            self._woken.clear()
            if self._waiting or self._running or self._results or self._put_off:
                await self._wait_for_news(_TOLD_EVERY_S if answered else _IDLE_S)
            else:
                await asyncio.sleep(_IDLE_S)

    async def _wait_for_news(self, at_most_s: float) -> None:
        """Waits some time, or until many lines have ended or none is left to begin."""
        try:
            async with asyncio.timeout(at_most_s):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _keep_beginning(self) -> None:
        while True:
            while self._waiting and self._may_begin():
                self._start(self._waiting.popleft())
            await asyncio.sleep(_LOOK_S if self._waiting else 10 * _LOOK_S)

    def _may_begin(self) -> bool:
        open_requests, quiet_s = self._load()
        return self._may_hold_more() and may_begin(
            self._args,
            running=len(self._running),
            open_requests=open_requests,
            quiet_s=quiet_s,
            waited_s=time.monotonic() - self._begun_s,
            took_s=self._took_s,
        )

    def _start(self, line: Line) -> None:
        self._begun_s = time.monotonic()
        task = asyncio.create_task(self._work(line))
        self._running[line.key] = task
        task.add_done_callback(lambda _: self._ended(line.key))

    def _ended(self, key: LineKey) -> None:
        self._running.pop(key, None)
        if len(self._results) >= _TOLD_AT_ONCE or not self._waiting:
            self._woken.set()

    async def _work(self, line: Line) -> None:
        """Answers one line, and keeps what came of it until it is told."""
        started_s = time.monotonic()
        ingests = line.url == INGEST_PATH
        outcome: LineResult | PutOff
        try:
            if ingests:
                outcome = source_outcome_of(line, await self._ask(line))
            else:
                outcome = refusal_of_stream(line) or outcome_of(line, await self._ask(line))
        except Exception:
            _log.exception("line %s failed", line_id(line.key.batch_id, line.key.place))
            outcome = unplanned_source(line) if ingests else unplanned(line)
        self._took_s = time.monotonic() - started_s
        if isinstance(outcome, PutOff):
            self._put_off.append(outcome)
        else:
            self._results.append(outcome)

    async def _ask(self, line: Line) -> InnerAnswer:
        submitter = line.submitter
        wish = submitter.trace_wish
        request_id = line_id(line.key.batch_id, line.key.place)
        try:
            principal = await self._principal_of(
                key_of_owner(submitter.owner),
                tenant_of_owner(submitter.owner),
                None if submitter.groups is None else frozenset(submitter.groups),
            )
            background = Background(
                principal,
                submitter.release,
                wish if wish in ("keep", "none") else "",  # type: ignore[arg-type]
            )
            if line.url == INGEST_PATH:
                return await read_source(self._app, line, self._keeper, background)
        except RagError as error:
            return refused(error, request_id=request_id, path=line.url)
        return await ask_inside(
            self._app,
            line.url,
            line.body.encode(),
            request_id=request_id,
            background=background,
        )


def _first(results: Sequence[LineResult]) -> list[LineResult]:
    """Returns as many results as travel together."""
    taken: list[LineResult] = []
    room_bytes = _TOLD_BYTES
    for result in results:
        room_bytes -= len(result.content)
        if taken and room_bytes < 0:
            break
        taken.append(result)
    return taken
