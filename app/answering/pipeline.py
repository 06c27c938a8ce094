"""The story of one answer, as the list of its stages: a question that stands alone, the chunks that
fit it, what stands around them, the text written from them. No HTTP, no Ray."""

from dataclasses import replace

from app.answering.condense import query_by_rule, usable_query, user_texts
from app.answering.model_step import ask_model
from app.answering.neighbours import widen
from app.answering.question import Question
from app.answering.relevance import relevant
from app.answering.search import search_passages
from app.answering.tool_search import answer_with_searches, leaves_search_to_model
from app.answering.written import AnswerStream, answer_from_generator
from app.releases.attempt import Attempt
from deployments.contracts.errors import StageError
from deployments.contracts.generation import GenerationRequest, Message, Sampling

_CONDENSE_SAMPLING = Sampling(max_tokens=64, temperature=0.0)
_FOLLOW_UP_TURNS = 2


async def answer_from_documents(
    question: Question, attempt: Attempt, *, timeout_s: float
) -> AnswerStream:
    """Returns the answer to a question from the documents of its release, once it has begun.

    Where the release leaves the search to the language model, and that cannot be had, the question
    is searched for first after all.

    Args:
        question: What the client wants to know.
        attempt: Who answers; the deadline of its request holds for the first piece.
        timeout_s: Time the whole answer has from now on.
    """
    started_s = attempt.scope.now()
    if await leaves_search_to_model(question, attempt):
        try:
            return await answer_with_searches(question, attempt, timeout_s=timeout_s)
        except StageError:
            if len(attempt.route.release.generator) == 1 or attempt.call().timeout_s <= 0:
                raise
            # Who follows in the list may be no language model.
            attempt.record.degraded.append("search")
    query = await _standalone_query(question, attempt)
    reach = attempt.route.release.neighbours
    found = await search_passages(replace(question, text=query), attempt, reach=reach)
    context = widen(relevant(found.hits, attempt), found.neighbours, reach=reach)
    request = GenerationRequest(
        messages=question.messages or (Message("user", question.text),),
        question=found.query or query,
        respellings=tuple(attempt.record.respellings.items()),
        context=tuple(context),
        prompt=attempt.route.release.prompt,
        sampling=question.sampling,
        tools=question.tools,
    )
    left_s = timeout_s - (attempt.scope.now() - started_s)
    begun = await answer_from_generator(
        request, attempt.route.generator, attempt.scope, attempt.record, timeout_s=left_s
    )
    shown = {hit.chunk.id: hit for hit in context}
    return replace(begun, sources=tuple(shown.get(hit.chunk.id, hit) for hit in found.hits))


async def _standalone_query(question: Question, attempt: Attempt) -> str:
    """Returns the question so that it can be searched for without the conversation before it."""
    how = attempt.route.release.condense
    if how == "off" or len(user_texts(question.messages)) < _FOLLOW_UP_TURNS:
        return question.text
    written = None
    if how == "llm":
        written = await ask_model("condense", question.messages, _CONDENSE_SAMPLING, attempt)
    return usable_query(written or "") or query_by_rule(question.messages)
