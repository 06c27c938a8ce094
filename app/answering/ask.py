"""What a caller wants, apart from who answers it: the same can be asked of one release after the
other."""

from dataclasses import dataclass
from typing import Protocol

from app.answering.pipeline import AnswerStream, answer_from_documents, answer_from_generator
from app.answering.question import Question
from app.releases.attempt import Attempt
from deployments.contracts.generation import GenerationRequest, Message


class Ask(Protocol):
    """A question that any release can be asked."""

    @property
    def text(self) -> str:
        """The question in words."""
        ...

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation that it ends, or it alone."""
        ...

    async def begin(self, attempt: Attempt, *, timeout_s: float) -> AnswerStream:
        """Returns the answer of a release as a stream that has begun; `timeout_s` is the time it
        has until its end."""
        ...


@dataclass(frozen=True, slots=True)
class FromDocuments:
    """An answer from the documents of the release."""

    question: Question

    @property
    def text(self) -> str:
        """See `Ask.text`."""
        return self.question.text

    @property
    def messages(self) -> tuple[Message, ...]:
        """See `Ask.messages`."""
        return self.question.messages or (Message("user", self.question.text),)

    async def begin(self, attempt: Attempt, *, timeout_s: float) -> AnswerStream:
        """See `Ask.begin`."""
        return await answer_from_documents(self.question, attempt, timeout_s=timeout_s)


@dataclass(frozen=True, slots=True)
class FromGenerator:
    """An answer of the release's generator alone, without retrieval."""

    request: GenerationRequest

    @property
    def text(self) -> str:
        """See `Ask.text`."""
        return self.messages[-1].content

    @property
    def messages(self) -> tuple[Message, ...]:
        """See `Ask.messages`."""
        return self.request.messages or (Message("user", self.request.text or ""),)

    async def begin(self, attempt: Attempt, *, timeout_s: float) -> AnswerStream:
        """See `Ask.begin`."""
        return await answer_from_generator(
            self.request,
            attempt.route.generator,
            attempt.scope,
            attempt.record,
            timeout_s=timeout_s,
        )
