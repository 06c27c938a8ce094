"""What is asked: conversations of like length, each with a beginning of its own, so that no prefix
cache can answer for the engine."""

import json
import random
from dataclasses import dataclass

PATH = "/v1/chat/completions"
_PROMPT_WORDS = 56
"""About 64 tokens with the chat template's own, whatever the tokenizer: the words are common."""
_VOCABULARY = (
    "return the value of a file name and line for each call in this class or module that is used "
    "with an object from the list to set one key not none if true else default string number type "
    "when other argument method function data error path code text will be can has must test time"
)
_WORDS = _VOCABULARY.split()


@dataclass(frozen=True, slots=True)
class Load:
    """So many streams at any time, of so many tokens each."""

    concurrency: int
    max_tokens: int

    @property
    def label(self) -> str:
        """What tables call it."""
        return f"{self.concurrency} x {self.max_tokens}"


def body(model: str, content: str, *, max_tokens: int, stream: bool = True) -> bytes:
    """Returns a request that is answered with exactly `max_tokens` tokens, the likeliest ones."""
    request: dict[str, object] = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": max_tokens,
        "ignore_eos": True,
        "temperature": 0,
    }
    if stream:
        request |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(request).encode()


def prompt(number: int, *, seed: int = 0) -> str:
    """Returns the text of the n-th request; the same number gives the same text."""
    chooser = random.Random(f"{seed}-{number}")
    return " ".join(chooser.choices(_WORDS, k=_PROMPT_WORDS))
