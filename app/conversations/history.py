"""What of a conversation goes with its next question."""

from collections.abc import Sequence

from deployments.contracts.generation import Message
from deployments.conversations.records import KeptTurn

_BYTES_PER_TOKEN = 4
"""About what English text has. The generator counts by itself what fits into its window."""


def history_of(turns: Sequence[KeptTurn], max_tokens: int) -> tuple[Message, ...]:
    """Returns the messages of the last turns that fit together, oldest first.

    A turn goes whole or not at all. One without an answer is left out, and so is one at the
    beginning that tells what came of a call which does not go with it.

    Args:
        turns: Completed turns, oldest first.
        max_tokens: Bound of all of them.
    """
    kept: list[KeptTurn] = []
    for turn in reversed([turn for turn in turns if _has_answer(turn)]):
        max_tokens -= _tokens_of(turn)
        if max_tokens < 0:
            break
        kept.append(turn)
    while kept and kept[-1].asked[:1] and kept[-1].asked[0].role == "tool":
        kept.pop()
    return tuple(message for turn in reversed(kept) for message in (*turn.asked, turn.answer))


def _has_answer(turn: KeptTurn) -> bool:
    return bool(turn.answer.content.strip() or turn.answer.calls)


def _tokens_of(turn: KeptTurn) -> int:
    texts = [
        text
        for message in (*turn.asked, turn.answer)
        for text in (message.content, *(call.arguments for call in message.calls))
    ]
    size_bytes = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    return -(-size_bytes // _BYTES_PER_TOKEN)
