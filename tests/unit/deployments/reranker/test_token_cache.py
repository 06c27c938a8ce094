"""Vectors that are kept: the least recently used go first, and memory is bounded."""

import numpy as np
import pytest

from deployments.contracts.vectors import TokenVectors
from deployments.encoding.quantization import quantize
from deployments.reranker.token_cache import TokenCache


def vectors(tokens: int = 2) -> TokenVectors:
    return quantize(np.ones((tokens, 8), dtype=np.float32))


SIZE_BYTES = vectors().size_bytes


def test_what_was_put_is_found() -> None:
    cache, one = TokenCache(1000), vectors()
    assert cache.get("text") is None
    cache.put("text", one)
    assert cache.get("text") is one
    assert cache.get("text ") is None


def test_the_least_recently_used_go_first() -> None:
    cache = TokenCache(3 * SIZE_BYTES)
    for text in "abc":
        cache.put(text, vectors())
    cache.get("a")
    cache.put("d", vectors())
    assert [text for text in "abcd" if cache.get(text)] == ["a", "c", "d"]


@pytest.mark.parametrize("max_bytes", [0, SIZE_BYTES - 1])
def test_what_has_no_room_is_not_kept(max_bytes: int) -> None:
    cache = TokenCache(max_bytes)
    cache.put("a", vectors())
    assert cache.get("a") is None
    assert cache.size_bytes == 0


def test_memory_stays_within_its_bound() -> None:
    cache = TokenCache(10 * SIZE_BYTES)
    generator = np.random.default_rng(1)
    for number in range(200):
        cache.put(str(generator.integers(30)), vectors(int(generator.integers(1, 9))))
        assert cache.size_bytes <= 10 * SIZE_BYTES
        assert number < 20 or cache.size_bytes > 0


def test_the_same_text_again_counts_once() -> None:
    cache = TokenCache(1000)
    cache.put("a", vectors(2))
    cache.put("a", vectors(3))
    assert cache.size_bytes == vectors(3).size_bytes


def test_half_a_character_is_a_text_too() -> None:
    cache = TokenCache(1000)
    cache.put("\ud83d", vectors())
    assert cache.get("\ud83d") is not None
