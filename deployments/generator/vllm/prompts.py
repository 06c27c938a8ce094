"""From messages to token ids, with the model's own chat template and tokenizer.

What a message says must not become a control token: a user who writes `<|im_end|>` has not ended
the turn.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.generation import Message, Prompt

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
        self._control = _control_tokens(tokenizer)
        self._encode = lru_cache(_KEPT_PROMPTS)(self._tokenize)

    async def encode(self, prompt: Prompt) -> tuple[int, ...]:
        """Returns the token ids, those of the chat template included.

        Raises:
            InvalidRequest: the prompt is empty or not text, or the model cannot read this
                conversation.
        """
        size = sum(len(message.content) for message in prompt.messages) + len(prompt.text or "")
        if size <= _LONG_CHARS:
            return self._encode(prompt.messages, prompt.text)
        return await asyncio.to_thread(self._encode, prompt.messages, prompt.text)

    def _tokenize(self, messages: tuple[Message, ...], text: str | None) -> tuple[int, ...]:
        if text is not None:
            token_ids = self._tokenizer.encode(_checked(text))
        elif self._control is None:
            token_ids = self._apply_template(messages, tokenize=True)
        else:
            token_ids = [
                token_id
                for piece in _checked(self._render(messages, self._control)).split(_SEAM)
                for token_id in self._tokenizer.encode(piece, add_special_tokens=False)
            ]
        if not token_ids:
            raise InvalidRequest("The prompt is empty.", "generator")
        return tuple(token_ids)

    def _render(self, messages: Sequence[Message], control: re.Pattern[str]) -> str:
        """Returns the conversation as the model reads it, with a seam inside every control token
        that a message contains."""
        if not self.reads_messages:
            raise InvalidRequest(
                "This model has no chat template: it continues a text, and answers no messages.",
                "generator",
            )
        cut = [Message(message.role, _cut(message.content, control)) for message in messages]
        try:
            return str(self._apply_template(cut))
        except TemplateError as error:
            without_system = _fold_system(cut)
            if without_system == cut:
                raise InvalidRequest(_refusal(error), "generator") from error
        # Several families of models know no role `system`; their makers say to do this.
        try:
            return str(self._apply_template(without_system))
        except TemplateError as error:
            raise InvalidRequest(_refusal(error), "generator") from error

    def _apply_template(self, messages: Sequence[Message], *, tokenize: bool = False) -> Any:
        """Returns the text of the conversation, or its token ids."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        return self._tokenizer.apply_chat_template(
            turns, tokenize=tokenize, add_generation_prompt=True, **self._kwargs
        )


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


def _fold_system(messages: Sequence[Message]) -> list[Message]:
    """Returns the messages with what the system says at the head of the first user's turn."""
    system = [message.content for message in messages if message.role == "system"]
    others = [message for message in messages if message.role != "system"]
    if not system or not others or others[0].role != "user":
        return list(messages)
    first = Message("user", "\n\n".join([*system, others[0].content]))
    return [first, *others[1:]]


def _refusal(error: TemplateError) -> str:
    return f"The model's chat template refuses this conversation: {error.message or 'no reason'}"
