"""What a caller wants, apart from who answers it: the same can be asked of one release after the
other."""

from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from app.answering.pipeline import answer_from_documents
from app.answering.question import Question
from app.answering.written import AnswerStream, answer_from_generator
from app.releases.attempt import Attempt
from deployments.contracts.generation import GenerationRequest, Message


class Begin(Protocol):
    """Has a release begin an answer; see `answer_from_documents`."""

    def __call__(self, attempt: Attempt, *, timeout_s: float) -> Awaitable[AnswerStream]:
        """Returns the answer once it has begun; `timeout_s` is the time until its end."""
        ...


@dataclass(frozen=True, slots=True)
class Ask:
    """A question that any release can be asked.

    Attributes:
        text: The question in words.
        messages: The conversation that it ends, or it alone.
        begin: Has a release answer it.
        question: What is searched for; None where nothing is.
    """

    text: str
    messages: tuple[Message, ...]
    begin: Begin
    question: Question | None = None


def from_documents(question: Question) -> Ask:
    """Returns what asks for an answer from the documents of the release."""
    messages = question.messages or (Message("user", question.text),)
    return Ask(question.text, messages, partial(answer_from_documents, question), question)


def from_generator(request: GenerationRequest) -> Ask:
    """Returns what asks the release's generator alone, without retrieval."""
    messages = request.messages or (Message("user", request.text or ""),)
    return Ask(messages[-1].content, messages, partial(_begin, request))


async def _begin(request: GenerationRequest, attempt: Attempt, *, timeout_s: float) -> AnswerStream:
    return await answer_from_generator(
        request, attempt.route.generator, attempt.scope, attempt.record, timeout_s=timeout_s
    )
