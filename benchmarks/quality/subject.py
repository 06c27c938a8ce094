"""What is measured: something that takes documents in, searches, and answers.

`InProcess` is the product's own classes in this process, `OverHttp` a running service.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from deployments.contracts.documents import Document, IngestOutcome
from deployments.contracts.search import SearchMode

T = TypeVar("T")
_ATTEMPTS = 8
_MAX_WAIT_S = 10.0


class NotMeasured(Exception):
    """There is no figure; the message says why."""


class NotNow(Exception):
    """Nothing, or less than the whole, came back this time: a stage had too much to do."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A search: `top_k` chunks come from the index, `top_n` of them are returned."""

    text: str
    mode: SearchMode
    rerank: bool
    top_k: int
    top_n: int


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found: the path of the document of each chunk, best chunk first.

    `total_ms` is the time that the caller waited, `stage_ms` what each stage took of it.
    """

    paths: tuple[str, ...]
    total_ms: float
    stage_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and what it rests on.

    `cited` are the texts of the passages that it cites. `answerability` is how likely the context
    answers the question, as the generator says, None where it does not. `signals` say how well the
    best source fits, by name.
    """

    text: str
    grounded: bool
    cited: tuple[str, ...]
    answerability: float | None
    signals: Mapping[str, float]


class Subject(Protocol):
    """What is measured. Every method but `describe` raises NotNow or NotMeasured."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def describe(self) -> dict[str, Any]:
        """Returns the settings that decide the figures, for the record."""
        ...

    async def add(self, documents: Sequence[Document]) -> list[IngestOutcome]:
        """Returns one outcome per document."""
        ...

    async def search(self, asked: Asked) -> Searched:
        """Returns what a search finds."""
        ...

    async def answer(self, question: str) -> Answered:
        """Returns the answer to a question."""
        ...


async def whole(ask: Callable[[], Awaitable[T]]) -> T:
    """Returns what `ask` returns, asking again as long as it raises NotNow.

    Raises:
        NotMeasured: it did so to the end.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(NotNow),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.5, max=_MAX_WAIT_S),
        reraise=True,
    )
    try:
        async for attempt in retrying:
            with attempt:
                return await ask()
    except NotNow as error:
        raise NotMeasured(f"{error} Ask fewer at once with --concurrency.") from error
    raise AssertionError("the last attempt returns or raises")
