"""A response that is looked up: what its turn has of it."""

from app.api.wire.responses.form import CUT_BY
from app.conversations.names import response_id
from app.schemas.responses.answer import (
    ConversationName,
    IncompleteDetails,
    InputTokensDetails,
    OutputMessage,
    OutputText,
    ResponseFailure,
    ResponseObject,
    ResponseUsage,
    Status,
)
from app.schemas.responses.functions import OutputFunctionCall
from deployments.conversations.records import KeptTurn

_FAILURE = ResponseFailure(code="server_error", message="The answer broke off.")


def kept_response(conversation_id: str, turn: KeptTurn) -> ResponseObject:
    """Returns a response as far as it is kept: without sources, tools and what the request asked
    for."""
    cut_by = CUT_BY.get(turn.finish_reason)
    is_broken = turn.status == "incomplete"
    status: Status = "failed" if is_broken else "incomplete" if cut_by else "completed"
    usage = turn.usage
    return ResponseObject(
        id=response_id(conversation_id, turn.n),
        created_at=int(turn.created_s),
        status=status,
        completed_at=int(turn.ended_s) if status == "completed" else None,
        error=_FAILURE if is_broken else None,
        incomplete_details=None if cut_by is None else IncompleteDetails(reason=cut_by),
        model=turn.model,
        output=[*_message(turn, status), *_calls(turn)],
        conversation=ConversationName(id=conversation_id),
        store=True,
        text={"format": {"type": "text"}},
        usage=ResponseUsage(
            input_tokens=usage["prompt_tokens"],
            input_tokens_details=InputTokensDetails(cached_tokens=usage["cached_tokens"]),
            output_tokens=usage["completion_tokens"],
            total_tokens=usage["prompt_tokens"] + usage["completion_tokens"],
        ),
    )


def _message(turn: KeptTurn, status: Status) -> list[OutputMessage]:
    if turn.answer.calls and not turn.answer.content:
        return []
    text = OutputText(text=turn.answer.content)
    state: Status = "completed" if status == "completed" else "incomplete"
    return [OutputMessage(id=f"msg_{turn.request_id}", status=state, content=[text])]


def _calls(turn: KeptTurn) -> list[OutputFunctionCall]:
    return [
        OutputFunctionCall(
            id=f"fc_{turn.request_id}_{place}",
            call_id=call.id,
            name=call.name,
            arguments=call.arguments,
            status="completed",
        )
        for place, call in enumerate(turn.answer.calls)
    ]
