"""The engine `cross-encoder` over a folder of ONNX, made here."""

import asyncio
from pathlib import Path

import pytest

from deployments.contracts.errors import ConfigError
from deployments.encoding.onnx_pairs import OnnxPairs
from deployments.encoding.runtimes import RuntimeName
from deployments.reranker.building import build_scorer
from deployments.reranker.config import RerankerArgs
from tests.onnx_models import write_cross_encoder, write_encoder

QUERY = "What happens when a queue is full?"
TEXTS = ["A full queue is answered with 503.", "The tower is tall.", "", "数据 🎉", "word " * 900]


@pytest.mark.parametrize("runtime", ["auto", "onnxruntime", "openvino"])
@pytest.mark.parametrize("quantized", [False, True])
async def test_a_pair_has_its_score_whatever_is_judged_beside_it(
    tmp_path: Path, runtime: RuntimeName, quantized: bool
) -> None:
    write_cross_encoder(tmp_path, quantized=quantized)
    settings = RerankerArgs(engine="cross-encoder", model=str(tmp_path), runtime=runtime)
    scorer = build_scorer(settings)
    together = await scorer.score(QUERY, TEXTS, timeout_s=30.0)
    apart = await asyncio.gather(*(scorer.score(QUERY, [text], timeout_s=30.0) for text in TEXTS))
    assert together.scores == pytest.approx([one.scores[0] for one in apart], abs=1e-5)
    assert all(0.0 <= score <= 1.0 for score in together.scores)
    assert len(set(together.scores)) == len(TEXTS)
    assert together.prompt_tokens == sum(one.prompt_tokens for one in apart)


async def test_which_text_is_the_query_counts(tmp_path: Path) -> None:
    write_cross_encoder(tmp_path)
    pairs = OnnxPairs(tmp_path, runtime="onnxruntime")
    entries = [entry for entry, _ in pairs.tokenize([("tower", "queue"), ("queue", "tower")])]
    assert entries[0].type_ids == [0, 0, 0, 1, 1]
    first, second = pairs.predict(entries)
    assert first != pytest.approx(second, abs=1e-3)


async def test_a_long_passage_is_cut_to_the_window(tmp_path: Path) -> None:
    write_cross_encoder(tmp_path)
    [(entry, tokens)] = OnnxPairs(tmp_path).tokenize([(QUERY, "word " * 900)])
    assert tokens == len(entry.ids) == 512


def test_what_is_no_cross_encoder_is_refused(tmp_path: Path) -> None:
    write_cross_encoder(tmp_path / "three", scores=3)
    with pytest.raises(ConfigError, match="one score for a pair"):
        OnnxPairs(tmp_path / "three")
    write_encoder(tmp_path / "encoder")
    with pytest.raises(ConfigError, match="no output of 2 dimensions"):
        OnnxPairs(tmp_path / "encoder", runtime="onnxruntime")
    write_cross_encoder(tmp_path / "quantized", quantized=True)
    with pytest.raises(ConfigError, match="leave out `precision`"):
        OnnxPairs(tmp_path / "quantized", runtime="onnxruntime", precision="float32")
    with pytest.raises(ConfigError, match="runs on a CPU"):
        OnnxPairs(tmp_path / "three", device="cuda")
