"""The engine `cross-encoder` over a small model with random weights, made here."""

import asyncio
from pathlib import Path

import pytest
from sentence_transformers import CrossEncoder

from benchmarks.tiny_cross_encoder import build_tiny_cross_encoder
from deployments.contracts.errors import ConfigError, StageFailed
from deployments.reranker.building import build_scorer
from deployments.reranker.config import RerankerArgs
from deployments.reranker.cross_encoder import CrossEncoderScorer

QUERY = "What happens when a queue is full?"
TEXTS = [
    "A full queue is answered with 503.",
    "The tower is tall.",
    "",
    "数据 🎉 naïve",
    "word " * 2000,
    "The tower is tall.",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cross-encoder")
    build_tiny_cross_encoder(folder)
    return folder


@pytest.fixture(scope="module")
def settings(folder: Path) -> RerankerArgs:
    return RerankerArgs(engine="cross-encoder", model=str(folder), device="cpu")


@pytest.fixture
async def scorer(settings: RerankerArgs) -> CrossEncoderScorer:
    found = build_scorer(settings)
    assert isinstance(found, CrossEncoderScorer)
    return found


async def test_scores_are_the_librarys_between_0_and_1(
    scorer: CrossEncoderScorer, folder: Path
) -> None:
    import torch

    texts = [TEXTS[0], TEXTS[1], TEXTS[4]]
    found = await scorer.score(QUERY, texts, timeout_s=30.0)
    alone = CrossEncoder(str(folder), device="cpu")
    expected = [
        float(torch.sigmoid(torch.tensor(alone.predict([(QUERY, text)])[0]))) for text in texts
    ]
    assert found.scores == pytest.approx(expected, abs=1e-4)
    assert len(set(found.scores)) == 3
    assert all(0.0 <= score <= 1.0 for score in found.scores)


async def test_a_pair_has_its_score_whatever_is_judged_beside_it(
    scorer: CrossEncoderScorer,
) -> None:
    async def one(text: str) -> float:
        return (await scorer.score(QUERY, [text], timeout_s=30.0)).scores[0]

    together = await scorer.score(QUERY, TEXTS, timeout_s=30.0)
    apart = await asyncio.gather(*(one(text) for text in TEXTS))
    assert together.scores == pytest.approx(apart, abs=1e-4)
    assert together.scores[1] == pytest.approx(together.scores[-1], abs=1e-4)


async def test_tokens_are_counted_as_the_model_reads_them(scorer: CrossEncoderScorer) -> None:
    short = await scorer.score(QUERY, ["one two"], timeout_s=30.0)
    long = await scorer.score(QUERY, ["word " * 2000], timeout_s=30.0)
    assert short.prompt_tokens == 3 + 8 + 2
    assert long.prompt_tokens == 256


async def test_a_score_that_is_no_number_fails_the_stage(
    scorer: CrossEncoderScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scorer._model, "predict", lambda pairs, **_: [float("nan")] * len(pairs))
    with pytest.raises(StageFailed):
        await scorer.score(QUERY, ["text"], timeout_s=30.0)


def test_the_packaged_model_is_no_cross_encoder() -> None:
    with pytest.raises((ValueError, ConfigError), match="cross-encoder"):
        RerankerArgs(engine="cross-encoder")
