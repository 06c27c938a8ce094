"""The classifiers in use, by their settings: one that is not changed keeps what it has."""

import asyncio
from collections.abc import Callable
from typing import NoReturn, Protocol, TypeVar, cast

import httpx

from app.moderation.classifier import STAGE, Classifier, Guard, OpenAIClassifier
from app.moderation.local_classifier import LocalClassifier
from app.settings.live.moderation import ClassifierArgs, LocalClassifierArgs
from deployments.contracts.errors import Unavailable
from deployments.contracts.stages import EmbedderStage
from deployments.moderation.labelled_examples import LabelledExamples


class _Closable(Protocol):
    async def close(self) -> None: ...


Made = TypeVar("Made", bound=_Closable)


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
        self._known: dict[str, tuple[object, _Closable]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def of(self, name: str, args: ClassifierArgs) -> Classifier:
        """Returns a classifier behind HTTP, by its name."""

        def make() -> OpenAIClassifier:
            return OpenAIClassifier(args, self._breaker_of(name), transport=self._transport)

        return self._kept(name, args, make)

    def local(
        self, name: str, args: LocalClassifierArgs, examples: LabelledExamples
    ) -> LocalClassifier:
        """Returns a classifier of the service's own, by its name; one whose settings and examples
        are the same keeps what it has learned.

        Raises:
            Unavailable: there are no embedders.
        """

        def make() -> LocalClassifier:
            return LocalClassifier(args, examples, self._embedder_of(args.retrieval))

        return self._kept(name, (args, examples.digest), make)

    def _kept(self, name: str, stamp: object, make: Callable[[], Made]) -> Made:
        """Returns the classifier of a name: the one that was made for the same stamp, or a new one
        in its place, whatever kind it was of."""
        known_stamp, known = self._known.get(name, (None, None))
        if known is not None and known_stamp == stamp:
            return cast(Made, known)
        made = make()
        if known is not None:
            self._close(known)
        self._known[name] = (stamp, made)
        return made

    def _close(self, classifier: _Closable) -> None:
        closing = asyncio.create_task(classifier.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
