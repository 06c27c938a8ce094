"""What a list costs per piece of text, and how much of a stream it holds."""

import random
import time
from collections.abc import Sequence

import numpy as np

from deployments.moderation.blocklist import Blocklist, BlocklistStream
from deployments.moderation.held_text import HeldText

_PIECE_CHARS = 4
"""About a token of English text."""


def random_terms(words: Sequence[str], count: int, *, seed: int) -> list[str]:
    """Returns different terms of one to three words of the text itself: the worst case for what is
    held, since most words begin a term."""
    chance = random.Random(seed)
    terms: dict[str, None] = {}
    while len(terms) < count:
        terms[" ".join(chance.choices(words, k=chance.randint(1, 3)))] = None
    return list(terms)


def measure_cost(text: str, terms: Sequence[str], *, streams: int) -> dict[str, float]:
    """Returns what a stream costs and holds with a list that blocks nothing of it.

    Args:
        text: What is streamed, in pieces of four characters.
        terms: Each has a word after it that the text has not, so that it stays held for long.
        streams: Streams that are read in turns, as a replica reads them.
    """
    started_s = time.process_time()
    blocklist = Blocklist({"list": [f"{term} qzxjv" for term in terms]}) if terms else None
    built_s = time.process_time() - started_s
    pieces = [text[start : start + _PIECE_CHARS] for start in range(0, len(text), _PIECE_CHARS)]
    checks = [[BlocklistStream(blocklist)] if blocklist is not None else [] for _ in range(streams)]
    held = [HeldText(some) for some in checks]
    times_us, held_chars = [], []
    delays = np.zeros(4)
    waiting: list[tuple[int, int]] = []
    for number, piece in enumerate(pieces):
        started_ns = time.perf_counter_ns()
        for one in held:
            one.feed(piece)
        times_us.append((time.perf_counter_ns() - started_ns) / 1e3 / streams)
        end = (number + 1) * _PIECE_CHARS
        held_chars.append(max(0, min(end, len(text)) - held[0].left))
        waiting.append((number, min(end, len(text))))
        while waiting and waiting[0][1] <= held[0].left:
            since, _ = waiting.pop(0)
            delays[min(3, number - since)] += 1
    shares = 100 * delays / max(1.0, delays.sum())
    return {
        "terms": float(len(terms)),
        "streams": float(streams),
        "built_s": built_s,
        "piece_us_p50": float(np.percentile(times_us, 50)),
        "piece_us_p99": float(np.percentile(times_us, 99)),
        "held_chars_mean": float(np.mean(held_chars)),
        "held_chars_p99": float(np.percentile(held_chars, 99)),
        "held_chars_max": float(np.max(held_chars)),
        **{
            f"late_by_{late}_pct": float(share)
            for late, share in zip(("0", "1", "2", "3_or_more"), shares, strict=True)
        },
    }
