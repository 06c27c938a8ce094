"""The classifiers in use, by their settings: one that is not changed keeps what it has."""

import asyncio
from collections.abc import Callable
from typing import NoReturn, Protocol

import httpx

from app.moderation.classifier import STAGE, Classifier, Guard, OpenAIClassifier
from app.moderation.local_classifier import LocalClassifier
from app.settings.moderation import ClassifierArgs, LocalClassifierArgs
from deployments.contracts.errors import Unavailable
from deployments.contracts.stages import EmbedderStage
from deployments.moderation.labelled_examples import LabelledExamples


class _Closable(Protocol):
    async def close(self) -> None: ...


def _has_no_embedder(application: str) -> NoReturn:
    raise Unavailable(f"There is no embedder of {application}.", STAGE, 1.0)


class Classifiers:
    """Makes classifiers, and keeps them.

    Args:
        breaker_of: Makes the breaker of a classifier, by its name.
        transport: In place of the network.
        embedder_of: Finds the embedder of a retrieval application.
    """

    def __init__(
        self,
        breaker_of: Callable[[str], Guard],
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        embedder_of: Callable[[str], EmbedderStage] = _has_no_embedder,
    ) -> None:
        self._breaker_of = breaker_of
        self._transport = transport
        self._embedder_of = embedder_of
        self._known: dict[str, tuple[ClassifierArgs, OpenAIClassifier]] = {}
        self._local: dict[str, tuple[tuple[LocalClassifierArgs, str], LocalClassifier]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def of(self, name: str, args: ClassifierArgs) -> Classifier:
        """Returns a classifier behind HTTP, by its name."""
        known = self._known.get(name)
        if known is not None and known[0] == args:
            return known[1]
        if known is not None:
            self._close(known[1])
        made = OpenAIClassifier(args, self._breaker_of(name), transport=self._transport)
        self._known[name] = (args, made)
        return made

    def local(
        self, name: str, args: LocalClassifierArgs, examples: LabelledExamples
    ) -> LocalClassifier:
        """Returns a classifier of the service's own, by its name; one whose settings and examples
        are the same keeps what it has learned.

        Raises:
            Unavailable: there are no embedders.
        """
        stamp = (args, examples.digest)
        known = self._local.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        embedder = self._embedder_of(args.retrieval)
        if known is not None:
            self._close(known[1])
        made = LocalClassifier(args, examples, embedder)
        self._local[name] = (stamp, made)
        return made

    def _close(self, classifier: _Closable) -> None:
        closing = asyncio.create_task(classifier.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
