"""A classifier of the service's own: labelled examples, and the embedder of a retrieval
application. The gateway loads no model, and asks nobody outside."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.moderation.classifier import STAGE, Scores
from app.settings.live.moderation import LocalClassifierArgs
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import DeadlineExceeded, StageError, Unavailable
from deployments.contracts.search import Embedded
from deployments.contracts.stages import EmbedderStage
from deployments.moderation.labelled_examples import LabelledExamples
from deployments.moderation.linear_head import LinearHead, fit_head

_log = logging.getLogger("ray.serve")
_LEARN_BATCH = 32
_LEARN_S = 60.0
"""Time that the embedder has for one batch of examples, which stand back for requests."""
_RETRY_S = 5.0
"""Time after a failure before the examples are learned again."""
_CALL = "moderation"


@dataclass(frozen=True, slots=True)
class _Learned:
    """What was learned, and the model whose vectors it is about."""

    head: LinearHead
    model: str


class LocalClassifier:
    """A `Classifier` over the embedder of a retrieval application.

    Examples are embedded and learned once, in the background; until then there is no verdict.

    Args:
        args: Which categories count, and from which score.
        examples: What it learns from.
        embedder: Embeds texts; it is left alone where it fails, as in searches.
        now: Clock in seconds; monotonic.
    """

    def __init__(
        self,
        args: LocalClassifierArgs,
        examples: LabelledExamples,
        embedder: EmbedderStage,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._args = args
        self._examples = examples
        self._embedder = embedder
        self._now = now
        self._learned: _Learned | None = None
        self._learning: asyncio.Task[None] | None = None
        self._failed_s = float("-inf")

    async def judge(self, texts: Sequence[str]) -> list[Scores]:
        """See `Classifier.judge`."""
        timeout_s = self._args.timeout_s
        found: list[Scores] = []
        try:
            async with asyncio.timeout(timeout_s):
                learned = await self._head()
                for start in range(0, len(texts), self._args.max_sentences):
                    some = texts[start : start + self._args.max_sentences]
                    found += self._scored(await self._embed(some, timeout_s), learned)
        except TimeoutError as error:
            raise DeadlineExceeded("The classifier did not answer in time.", STAGE) from error
        return found

    def warm(self) -> None:
        """Begins to learn, where that has not happened; returns at once."""
        is_due = self._learned is None and self._now() - self._failed_s >= _RETRY_S
        if is_due and self._learning is None:
            self._learning = asyncio.create_task(self._learn())

    async def close(self) -> None:
        """Stops what is under way."""
        if self._learning is not None:
            self._learning.cancel()

    async def _head(self) -> _Learned:
        """Returns what was learned, and waits for it where it is under way."""
        self.warm()
        if self._learning is not None:
            await asyncio.wait([self._learning])  # who gives up waiting leaves it to others
        if self._learned is None:
            raise Unavailable("The classifier has not learned its examples yet.", STAGE, _RETRY_S)
        return self._learned

    async def _learn(self) -> None:
        texts = self._examples.texts
        rows, models = [], set()
        try:
            for start in range(0, len(texts), _LEARN_BATCH):
                embedded = await self._embed(
                    texts[start : start + _LEARN_BATCH], _LEARN_S, background=True
                )
                rows.append(embedded.vectors)
                models.add(embedded.model)
            if len(models) != 1:
                raise Unavailable("The embedder was replaced meanwhile.", STAGE, _RETRY_S)
            head = await asyncio.to_thread(
                fit_head, np.concatenate(rows), self._examples.categories
            )
            self._learned = _Learned(head, models.pop())
        except StageError as error:
            self._failed_s = self._now()
            _log.warning("the examples of a classifier are not learned yet: %s", error)
        except Exception:
            self._failed_s = self._now()
            _log.exception("the examples of a classifier are not learned")
        finally:
            self._learning = None

    def _scored(self, embedded: Embedded, learned: _Learned) -> list[Scores]:
        """Returns the scores of those categories that count."""
        if embedded.model != learned.model:
            self._learned = None  # vectors of two models cannot be compared
            raise Unavailable("The embedder has another model now.", STAGE, _RETRY_S)
        least = self._args.thresholds
        default = None if least else self._args.threshold
        return [
            {
                name: score
                for name, score in scores.items()
                if (bound := least.get(name, default)) is not None and score >= bound
            }
            for scores in learned.head.scores(embedded.vectors)
        ]

    async def _embed(
        self, texts: Sequence[str], timeout_s: float, *, background: bool = False
    ) -> Embedded:
        call = CallContext(_CALL, timeout_s, background=background)
        return await self._embedder.embed(texts, input_type="query", call=call)
