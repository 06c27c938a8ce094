"""The real model in every runtime: the same vectors, whatever the batch."""

import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pytest

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import ConfigError
from deployments.embedder.deployment import Embedder
from deployments.encoding.config import TokenVectorArgs
from deployments.encoding.encoder import Encoder
from deployments.encoding.runtimes import Precision, RuntimeName
from deployments.encoding.selection import MIN_COSINE
from deployments.reranker.building import build_scorer
from deployments.reranker.config import RerankerArgs

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


class Reading:
    """What the model of a scorer read since, as token ids."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[list[list[int]]] = []
        before = Encoder.encode_tokens

        def encode_tokens(encoder: Encoder, token_ids: Sequence[list[int]]) -> object:
            self.batches.append(list(token_ids))
            return before(encoder, token_ids)

        monkeypatch.setattr(Encoder, "encode_tokens", encode_tokens)


@pytest.fixture
def kept(tmp_path: Path) -> TokenVectorArgs:
    return TokenVectorArgs(path=str(tmp_path))


async def test_passages_that_were_indexed_and_their_question_need_no_run_of_the_reranker(
    kept: TokenVectorArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    query, texts = "What refuses work?", [*TEXTS, TEXTS[0]]
    alone = await build_scorer(RerankerArgs()).score(query, texts, timeout_s=60)
    embedder = Embedder({}, kept.model_dump())
    call = CallContext("request", timeout_s=60.0)
    indexed = await embedder.embed(TEXTS, input_type="document", call=call)
    asked = await embedder.embed([query, "other"], input_type="query", with_tokens=True, call=call)
    assert (indexed.questions, len(asked.questions)) == ((), 2)
    scorer = build_scorer(RerankerArgs(), kept)
    reading = Reading(monkeypatch)
    judged = await scorer.score(query, texts, question=asked.questions[0], timeout_s=60)
    assert reading.batches == []
    assert judged.scores == pytest.approx(alone.scores, abs=2e-3)
    assert judged.prompt_tokens == alone.prompt_tokens
    # A question that is another than what was embedded, or was read by another model, is read.
    for strange in (asked.questions[1], None):
        again = await scorer.score(query, texts, question=strange, timeout_s=60)
        assert again.scores == pytest.approx(alone.scores, abs=2e-3)
    assert [len(batch) for batch in reading.batches] == [1, 1]


def known(kept: TokenVectorArgs) -> Collection[str]:
    """Those texts whose vectors are in the files."""
    files = Path(str(kept.path)).glob("token-vectors/*.sqlite")
    opened = [kept.open_files(path.stem) for path in files]
    return [text for one in opened if one is not None for text in one.get(TEXTS)]


def wait_for_all(kept: TokenVectorArgs) -> None:
    """Waits for the thread that writes."""
    until_s = time.monotonic() + 10
    while len(known(kept)) < len(TEXTS) and time.monotonic() < until_s:
        time.sleep(0.01)


async def test_what_one_replica_has_read_another_does_not_read_again(
    kept: TokenVectorArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "What refuses work?"
    before = await build_scorer(RerankerArgs(), kept).score(query, TEXTS, timeout_s=60)
    wait_for_all(kept)
    reading = Reading(monkeypatch)
    after = await build_scorer(RerankerArgs(), kept).score(query, TEXTS, timeout_s=60)
    assert [len(batch) for batch in reading.batches] == [1]
    assert after.scores == pytest.approx(before.scores, abs=2e-3)


async def test_an_embedder_whose_model_no_reranker_has_keeps_nothing(tmp_path: Path) -> None:
    embedder = Embedder({})
    call = CallContext("request", timeout_s=60.0)
    asked = await embedder.embed(["text"], input_type="query", with_tokens=True, call=call)
    assert asked.questions == ()
