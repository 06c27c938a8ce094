"""Calls of functions, by vLLM's own parsers: what holds the model to them, and what reads them out
of its text.

What vLLM's server does with `--tool-call-parser` is done here with the same classes, so that a
model calls functions here as it does there.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deployments.contracts.errors import ConfigError, StageFailed, UnsupportedField
from deployments.contracts.generation import EngineDelta, Message
from deployments.contracts.tools import CHOICES, Choice, ToolCallDelta, ToolUse
from deployments.generator.vllm.prompts import turn_of

if TYPE_CHECKING:
    from vllm.sampling_params import StructuredOutputsParams

_log = logging.getLogger("ray.serve")
_STAGE = "generator"
BY_GRAMMAR: tuple[Choice, ...] = ("required", "named")
"""Choices that a grammar alone can honour, whatever the model was trained to write."""
MakeParser = Callable[[Any], Any]
"""From vLLM's form of a request to what reads the answer to it."""


def choices_with(tool_call_parser: str | None) -> tuple[Choice, ...]:
    """Returns which choices of functions can be honoured."""
    return BY_GRAMMAR if tool_call_parser is None else CHOICES


def load_parser(
    name: str | None,
    tokenizer: Any,
    *,
    model: str,
    model_config: Any,
    template_kwargs: Mapping[str, object],
) -> MakeParser:
    """Returns what makes a parser for a request.

    Args:
        name: The parser, as `vllm serve --tool-call-parser` names it; None knows calls that a
            grammar forces, and no others.
        tokenizer: vLLM's tokenizer of the model.
        model: Its folder or name.
        model_config: vLLM's configuration of it.
        template_kwargs: What its chat template is given beside the messages.

    Raises:
        ConfigError: vLLM has no such parser, or none that can read this model's tokens.
    """
    from vllm.parser import ParserManager
    from vllm.parser.abstract_parser import DelegatingParser
    from vllm.tool_parsers import ToolParser, ToolParserManager

    kind: Any
    if name is None:
        kind = type("GrammarParser", (DelegatingParser,), {"tool_parser_cls": ToolParser})
    else:
        known = ToolParserManager.list_registered()
        if name not in known:
            raise ConfigError(f"vLLM has no tool_call_parser `{name}`; it has: {', '.join(known)}.")
        try:
            kind = ParserManager.get_parser(
                tool_parser_name=name,
                enable_auto_tools=True,
                model_name=model,
                tokenizer=tokenizer,
            )
        except Exception as error:
            raise ConfigError(f"tool_call_parser `{name}` cannot be used: {error}") from error

    def make(request: Any) -> Any:
        return kind(
            tokenizer,
            request.tools,
            model_config=model_config,
            chat_template_kwargs=dict(template_kwargs),
        )

    return make


class CallReader:
    """Reads one answer: tells its text and its calls apart.

    Args:
        make_parser: See `load_parser`.
        tools: What was offered.
        messages: The conversation: some models number their calls through all of it.
        prompt_token_ids: The same as the model reads it.
        structured_outputs: What else holds the text to a form.

    Raises:
        InvalidRequest: vLLM refuses the functions.
    """

    def __init__(
        self,
        make_parser: MakeParser,
        tools: ToolUse,
        *,
        messages: Sequence[Message],
        prompt_token_ids: Sequence[int],
        structured_outputs: "StructuredOutputsParams | None",
    ) -> None:
        from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

        choice: object = tools.choice
        if tools.choice == "named":
            choice = {"type": "function", "function": {"name": tools.named}}
        request = ChatCompletionRequest.model_validate(
            {
                "messages": [turn_of(message) for message in messages],
                "tools": [tool.as_json() for tool in tools.tools],
                "tool_choice": choice,
                "parallel_tool_calls": tools.parallel is not False,
            }
        )
        request.structured_outputs = structured_outputs
        self._is_single = tools.parallel is False
        self._parser = make_parser(request)
        self._request = self._parser.adjust_request(request)
        self._prompt_token_ids = list(prompt_token_ids)

    def params(self) -> dict[str, object]:
        """Returns the keyword arguments of vLLM's `SamplingParams` that let the calls be read."""
        return {
            "structured_outputs": self._request.structured_outputs,
            "skip_special_tokens": self._request.skip_special_tokens,
            "spaces_between_special_tokens": self._request.spaces_between_special_tokens,
        }

    def read(self, delta: EngineDelta, token_ids: Sequence[int]) -> EngineDelta:
        """Returns a piece of the answer with its calls apart from its text.

        Raises:
            StageFailed: vLLM's parser failed at it.
        """
        try:
            found = self._parser.parse_delta(
                delta.text,
                list(token_ids),
                self._request,
                prompt_token_ids=self._prompt_token_ids,
                finished=delta.finish_reason is not None,
            )
        except Exception as error:
            _log.exception("vLLM's tool parser failed")
            raise StageFailed("The calls in the answer cannot be read.", _STAGE) from error
        if found is None:
            return replace(delta, text="")
        calls = [_piece_of(call) for call in found.tool_calls or ()]
        if self._is_single:
            calls = [call for call in calls if call.index == 0]
        return replace(delta, text=found.content or "", calls=tuple(calls))


def require_parser(tools: ToolUse, tool_call_parser: str | None) -> None:
    """Raises UnsupportedField where the model is to choose, and nothing could read its choice."""
    if tools and tools.choice not in choices_with(tool_call_parser):
        raise UnsupportedField(
            "This model calls no functions by its own choice until `tool_call_parser` is set for "
            "its generator; name a function in tool_choice, or send tool_choice: required.",
            _STAGE,
            errors=(
                {
                    "field": tools.asked_by,
                    "message": "not supported by this model without tool_call_parser",
                    "type": "unsupported_field",
                },
            ),
        )


def _piece_of(call: Any) -> ToolCallDelta:
    function = call.function
    name, arguments = (function.name, function.arguments) if function else (None, None)
    return ToolCallDelta(call.index, call.id or "", name or "", arguments or "")
