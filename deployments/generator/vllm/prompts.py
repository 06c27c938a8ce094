"""From messages to token ids, with the model's own chat template and tokenizer.

What a message says must not become a control token: a user who writes `<|im_end|>` has not ended
the turn.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.generation import Message, Prompt

Turn = dict[str, Any]
_LONG_CHARS = 4096
"""About a millisecond of tokenising; longer prompts must not hold up the streams of others."""
_KEPT_PROMPTS = 32
"""A prompt is counted first and sent after that."""
_NEVER = r"(?!)"
_SEAM = "\ufdd0"
"""Marks where a text is cut; no text has it, because Unicode keeps it free for such uses."""


class PromptEncoder:
    """Turns prompts into token ids; safe in several threads.

    Args:
        tokenizer: vLLM's tokenizer of the model.
        chat_template_kwargs: What the chat template is given beside the messages, such as
            `enable_thinking`.
    """

    def __init__(self, tokenizer: Any, chat_template_kwargs: Mapping[str, object]) -> None:
        self._tokenizer = tokenizer
        self._kwargs = dict(chat_template_kwargs)
        self.reads_messages = getattr(tokenizer, "chat_template", "its own") is not None
        """False for a model without a chat template: it continues texts."""
        template = getattr(tokenizer, "chat_template", None)
        self.knows_tools = template is None or "tool" in str(template)
        """False for a chat template that reads no functions."""
        self._control = _control_tokens(tokenizer)
        self._encode = lru_cache(_KEPT_PROMPTS)(self._tokenize)

    async def encode(self, prompt: Prompt) -> tuple[int, ...]:
        """Returns the token ids, those of the chat template included.

        Raises:
            InvalidRequest: the prompt is empty or not text, or the model cannot read this
                conversation.
        """
        tools = json.dumps([tool.as_json() for tool in prompt.tools.tools], ensure_ascii=False)
        said = (len(message.content) for message in prompt.messages)
        size = sum(said) + len(prompt.text or "") + len(tools)
        if size <= _LONG_CHARS:
            return self._encode(prompt.messages, prompt.text, tools)
        return await asyncio.to_thread(self._encode, prompt.messages, prompt.text, tools)

    def _tokenize(
        self, messages: tuple[Message, ...], text: str | None, tools: str
    ) -> tuple[int, ...]:
        """Returns the token ids; `tools` is JSON."""
        if text is not None:
            token_ids = self._tokenizer.encode(_checked(text))
        elif self._control is None:
            turns = self._turns(messages)
            token_ids = self._apply_template(turns, json.loads(tools), tokenize=True)
        else:
            rendered = self._render(messages, json.loads(tools), self._control)
            token_ids = [
                token_id
                for piece in _checked(rendered).split(_SEAM)
                for token_id in self._tokenizer.encode(piece, add_special_tokens=False)
            ]
        if not token_ids:
            raise InvalidRequest("The prompt is empty.", "generator")
        return tuple(token_ids)

    def _render(
        self, messages: Sequence[Message], tools: list[Turn], control: re.Pattern[str]
    ) -> str:
        """Returns the conversation as the model reads it, with a seam inside every control token
        that a message or a function contains."""
        if not self.reads_messages:
            raise InvalidRequest(
                "This model has no chat template: it continues a text, and answers no messages.",
                "generator",
            )
        offered = _cut_all(tools, control)
        turns = _cut_all(self._turns(messages), control)
        try:
            return str(self._apply_template(turns, offered))
        except TemplateError as error:
            # Several families of models know no role `system` or `tool`; their makers say to do
            # this.
            plain = _cut_all([turn_of(one) for one in told_as_text(messages)], control)
            without_system = _fold_system(plain)
            if without_system == turns:
                raise InvalidRequest(_refusal(error), "generator") from error
        try:
            return str(self._apply_template(without_system, offered))
        except TemplateError as error:
            raise InvalidRequest(_refusal(error), "generator") from error

    def _turns(self, messages: Sequence[Message]) -> list[Turn]:
        """Returns the turns as the chat template takes them: arguments of calls as objects. A
        template that knows no functions would leave calls out, so they are told to it as text."""
        known = messages if self.knows_tools else told_as_text(messages)
        turns = [turn_of(message) for message in known]
        for turn in turns:
            for call in turn.get("tool_calls", ()):
                call["function"]["arguments"] = _object_of(call["function"]["arguments"])
        return turns

    def _apply_template(
        self, turns: Sequence[Turn], tools: Sequence[Turn], *, tokenize: bool = False
    ) -> Any:
        """Returns the text of the conversation, or its token ids."""
        offered = {"tools": list(tools)} if tools else {}
        return self._tokenizer.apply_chat_template(
            list(turns), tokenize=tokenize, add_generation_prompt=True, **offered, **self._kwargs
        )


def turn_of(message: Message) -> Turn:
    """Returns a turn in OpenAI's form."""
    turn: Turn = {"role": message.role, "content": message.content}
    if message.calls:
        turn["tool_calls"] = [call.as_json() for call in message.calls]
    if message.call_id:
        turn["tool_call_id"] = message.call_id
    return turn


def told_as_text(messages: Sequence[Message]) -> list[Message]:
    """Returns the turns for a model that knows no functions: what was called stands in the
    assistant's text, and what came of it is told by the user."""
    told = []
    for message in messages:
        calls = [f"{call.name}({call.arguments})" for call in message.calls]
        text = "\n".join(filter(None, (message.content, *calls)))
        told.append(Message("user" if message.role == "tool" else message.role, text))
    return told


def _object_of(arguments: str) -> object:
    """Returns arguments as templates take them. What is no object must not make every further turn
    of its conversation fail."""
    try:
        found = json.loads(arguments)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _cut_all(value: Any, control: re.Pattern[str]) -> Any:
    """Returns a value with a seam in the control tokens of all its texts."""
    if isinstance(value, str):
        return _cut(value, control)
    if isinstance(value, dict):
        return {_cut_all(name, control): _cut_all(inner, control) for name, inner in value.items()}
    return [_cut_all(inner, control) for inner in value] if isinstance(value, list) else value


def _cut(content: str, control: re.Pattern[str]) -> str:
    """Returns the text with a seam behind the first character of every control token."""
    plain = content.replace(_SEAM, "")
    return control.sub(lambda found: f"{found[0][0]}{_SEAM}{found[0][1:]}", plain)


def _checked(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest("The prompt holds half of a character.", "generator") from error
    return text


def _control_tokens(tokenizer: Any) -> re.Pattern[str] | None:
    """Returns what finds a control token in a text; None for a tokenizer that never reads one out
    of text, such as Mistral's, and has to write the turns itself."""
    if not hasattr(tokenizer, "added_tokens_decoder"):
        return None
    added = tokenizer.added_tokens_decoder.values()
    texts = [token.content for token in added if token.special and len(token.content) > 1]
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or _NEVER)


def _fold_system(turns: Sequence[Turn]) -> list[Turn]:
    """Returns the turns with what the system says at the head of the first user's turn."""
    system = [turn["content"] for turn in turns if turn["role"] == "system"]
    others = [turn for turn in turns if turn["role"] != "system"]
    if not system or not others or others[0]["role"] != "user":
        return list(turns)
    first = {"role": "user", "content": "\n\n".join([*system, others[0]["content"]])}
    return [first, *others[1:]]


def _refusal(error: TemplateError) -> str:
    return f"The model's chat template refuses this conversation: {error.message or 'no reason'}"
