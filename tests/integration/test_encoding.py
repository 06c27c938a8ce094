"""The real model in every runtime: the same vectors, whatever the batch."""

import sys

import numpy as np
import pytest

from deployments.contracts.errors import ConfigError
from deployments.encoding.encoder import Encoder, Precision, RuntimeName
from deployments.encoding.selection import MIN_COSINE
from deployments.reranker.config import RerankerArgs
from deployments.reranker.scorer import build_scorer

TEXTS = [
    "What happens when a queue is full?",
    "tower",
    "",
    "Grüße aus 東京 🎉 " * 3,
    "The embedder refuses with overloaded before doing any work. " * 40,
]


@pytest.fixture(scope="module")
def reference() -> Encoder:
    return Encoder(runtime="torch", precision="float32")


@pytest.mark.parametrize("runtime", ["torch", "openvino", "auto"])
@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_a_batch_gives_the_vectors_of_each_text_alone(
    reference: Encoder, runtime: RuntimeName, precision: Precision
) -> None:
    """A runtime that lost the attention mask would let the padding into the short texts."""
    encoder = Encoder(runtime=runtime, precision=precision)
    batch = encoder.encode(encoder.tokenize(TEXTS))
    alone = np.concatenate([reference.encode([ids]) for ids in reference.tokenize(TEXTS)])
    assert (batch * alone).sum(axis=1).min() >= MIN_COSINE
    for one, ids in zip(encoder.encode_tokens(encoder.tokenize(TEXTS)), batch, strict=True):
        assert one.shape[1] == len(ids)
        assert np.linalg.norm(one, axis=1) == pytest.approx(1.0, abs=1e-3)


def test_without_openvino_torch_runs_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    encoder = Encoder()
    assert encoder.encode(encoder.tokenize(["text"])).shape == (1, encoder.dimension)
    with pytest.raises(ConfigError):
        Encoder(runtime="openvino")


async def test_a_passage_is_scored_alike_whether_it_was_seen_or_not() -> None:
    scorer = build_scorer(RerankerArgs())
    query, texts = "What refuses work?", [*TEXTS[:2], *TEXTS[3:], TEXTS[0]]
    first = await scorer.score(query, texts, timeout_s=60)
    second = await scorer.score(query, texts, timeout_s=60)
    third = await scorer.score(query, texts[::-1], timeout_s=60)
    assert second.scores == pytest.approx(first.scores, abs=1e-3)
    assert third.scores[::-1] == pytest.approx(first.scores, abs=1e-3)
    assert first.prompt_tokens == second.prompt_tokens == third.prompt_tokens
    assert first.scores[3] == max(first.scores)
