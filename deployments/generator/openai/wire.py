"""The body of a request to a server that speaks OpenAI's protocol.

Fields that OpenAI does not know go out under the names that vLLM gave them; a server that knows
neither refuses the request, which is better than an answer that ignores what was asked.
"""

import json

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.generation import Message, OutputFormat, Prompt, Sampling
from deployments.contracts.tools import ToolUse

STAGE = "generator"
_SAME_NAME = (
    "max_tokens",
    "min_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "seed",
)


def request_path(prompt: Prompt) -> str:
    """Returns the path below the base URL that takes this prompt."""
    return "chat/completions" if prompt.text is None else "completions"


def request_body(
    model: str,
    prompt: Prompt,
    sampling: Sampling,
    *,
    asks_usage: bool,
    cache_salt: str | None = None,
) -> bytes:
    """Returns the JSON body of a streaming request. `cache_salt` parts the prefixes that a server
    of vLLM keeps; others know no such field.

    Raises:
        InvalidRequest: a number is infinite or not a number.
    """
    body: dict[str, object] = {"model": model, "stream": True}
    if asks_usage:
        body["stream_options"] = {"include_usage": True}
    if prompt.text is None:
        body["messages"] = [turn_of(message) for message in prompt.messages]
        body |= _tool_fields(prompt.tools)
    else:
        body["prompt"] = prompt.text
    body |= _sampling_fields(sampling, is_chat=prompt.text is None)
    if cache_salt is not None:
        body["cache_salt"] = cache_salt
    try:
        encoded = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise InvalidRequest("A number of the request is infinite or not a number.") from error
    return encoded.encode("utf-8", "replace")


def turn_of(message: Message) -> dict[str, object]:
    """Returns a turn in OpenAI's form."""
    turn: dict[str, object] = {"role": message.role, "content": message.content}
    if message.calls:
        # A turn that says nothing beside its calls has no text; an empty one is refused by some.
        turn["content"] = message.content or None
        turn["tool_calls"] = [call.as_json() for call in message.calls]
    if message.call_id:
        turn["tool_call_id"] = message.call_id
    return turn


def _tool_fields(asked: ToolUse) -> dict[str, object]:
    if not asked.tools:
        return {}
    choice: object = asked.choice
    if asked.choice == "named":
        choice = {"type": "function", "function": {"name": asked.named}}
    fields: dict[str, object] = {"tools": [tool.as_json() for tool in asked.tools]}
    fields["tool_choice"] = choice
    if asked.parallel is not None:
        fields["parallel_tool_calls"] = asked.parallel
    return fields


def _sampling_fields(sampling: Sampling, *, is_chat: bool) -> dict[str, object]:
    fields = {name: getattr(sampling, name) for name in _SAME_NAME}
    fields = {name: value for name, value in fields.items() if value is not None}
    if sampling.stop:
        fields["stop"] = list(sampling.stop)
    if sampling.ignore_eos:
        fields["ignore_eos"] = True
    if sampling.logit_bias:
        fields["logit_bias"] = {str(token): bias for token, bias in sampling.logit_bias.items()}
    if sampling.top_logprobs is not None:
        counts = {"logprobs": True, "top_logprobs": sampling.top_logprobs}
        fields |= counts if is_chat else {"logprobs": sampling.top_logprobs}
    return fields | _format_fields(sampling.output_format)


def _format_fields(output_format: OutputFormat) -> dict[str, object]:
    """Source: vLLM's structured outputs, https://docs.vllm.ai/en/latest/features/structured_outputs
    for `regex` and `choice`, which OpenAI has not."""
    if output_format.regex is not None:
        return {"structured_outputs": {"regex": output_format.regex}}
    if output_format.choice:
        return {"structured_outputs": {"choice": list(output_format.choice)}}
    if output_format.json_schema is None:
        return {}
    if not output_format.json_schema:
        return {"response_format": {"type": "json_object"}}
    # Without `strict`, OpenAI takes a schema for a wish.
    schema = {"name": "answer", "schema": dict(output_format.json_schema), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}
