"""Folders of ONNX as encoders: the same vectors in every runtime, whatever the batch."""

import json
import string
import sys
from pathlib import Path

import numpy as np
import pytest

from deployments.contracts.errors import ConfigError
from deployments.embedder.deployment import Embedder
from deployments.encoding.encoder import Encoder
from deployments.encoding.onnx_runtimes import OnnxSession
from deployments.encoding.runtimes import Precision, RuntimeName
from tests.onnx_models import WIDTH, write_cross_encoder, write_encoder

TEXTS = ["A queue is full.", "", "tower", "数据 🎉 naïve", "what is said again " * 30]
EXACT = 1e-5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "model"


def late(folder: Path, **said: object) -> None:
    """Writes a model for late interaction, as PyLate describes it."""
    write_encoder(folder)
    content = {"query_prefix": "[unused0]", "document_prefix": "[unused1]", **said}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(content))


@pytest.mark.parametrize("runtime", ["auto", "onnxruntime", "openvino"])
@pytest.mark.parametrize("quantized", [False, True])
def test_a_batch_gives_the_vectors_of_each_text_alone(
    folder: Path, runtime: RuntimeName, quantized: bool
) -> None:
    write_encoder(folder, pooling="mean_tokens", quantized=quantized)
    encoder = Encoder(str(folder), runtime=runtime)
    read = encoder.tokenize(TEXTS)
    alone = np.concatenate([encoder.encode([ids]) for ids in read])
    assert encoder.encode(read) == pytest.approx(alone, abs=EXACT)
    assert alone.shape == (len(TEXTS), WIDTH)
    for ids, found in zip(read, encoder.encode_tokens(read), strict=True):
        assert found == pytest.approx(encoder.encode_tokens([ids])[0], abs=EXACT)
        assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-3)


def test_a_quantised_graph_over_a_whole_batch_would_not(folder: Path) -> None:
    """Why each text is a run of its own."""
    write_encoder(folder, quantized=True)
    session = OnnxSession(folder / "model.onnx", threads=1, rank=3)
    ids = np.array([[101, 2000, 102], [101, 3000, 102]])
    both = session.run(ids, np.ones_like(ids), np.zeros_like(ids))
    alone = session.run(ids[:1], np.ones_like(ids[:1]), np.zeros_like(ids[:1]))
    assert np.abs(both[:1] - alone).max() > EXACT


def test_weights_that_are_multiplied_out_are_near_to_the_graph_as_it_is(folder: Path) -> None:
    write_encoder(folder, pooling="cls_token", quantized=True)
    own, exact = Encoder(str(folder)), Encoder(str(folder), runtime="openvino")
    read = own.tokenize(TEXTS)
    assert (own.encode(read) * exact.encode(read)).sum(axis=1).min() > 0.99
    assert own.digest != exact.digest


def test_pooling_is_what_the_folder_says(tmp_path: Path) -> None:
    encoders = {}
    for pooling in ("cls_token", "mean_tokens"):
        write_encoder(tmp_path / pooling, pooling=pooling)
        encoders[pooling] = Encoder(str(tmp_path / pooling), runtime="onnxruntime")
    read = encoders["cls_token"].tokenize(["A queue is full."])
    [tokens] = encoders["cls_token"].encode_tokens(read)
    assert encoders["cls_token"].encode(read)[0] == pytest.approx(tokens[0], abs=EXACT)
    assert encoders["mean_tokens"].encode(read)[0] != pytest.approx(tokens[0], abs=0.01)
    assert encoders["cls_token"].digest != encoders["mean_tokens"].digest


async def test_prompts_are_what_the_folder_says(folder: Path) -> None:
    write_encoder(folder, pooling="mean_tokens")
    said = {"prompts": {"query": "query: ", "document": ""}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(said))
    encoder = Encoder(str(folder), runtime="onnxruntime")
    assert encoder.prompts == {"query": "query: ", "document": ""}
    assert encoder.reads_alike


def test_precision_may_be_asked_for_where_somebody_computes_it(folder: Path) -> None:
    write_encoder(folder, pooling="mean_tokens", quantized=True)
    assert Encoder(str(folder), precision="float32").computes_padding  # OpenVINO
    with pytest.raises(ConfigError, match="leave out `precision`"):
        Encoder(str(folder), runtime="onnxruntime", precision="float32")


@pytest.mark.parametrize("runtime", ["auto", "onnxruntime"])
def test_without_openvino_onnx_runtime_runs_it(
    folder: Path, runtime: RuntimeName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    write_encoder(folder, pooling="mean_tokens")
    assert not Encoder(str(folder), runtime=runtime).computes_padding
    with pytest.raises(ConfigError):
        Encoder(str(folder), runtime="openvino")


@pytest.mark.parametrize(
    ("device", "runtime", "precision", "told"),
    [
        ("cuda", "auto", "auto", "runs on a CPU"),
        (None, "torch", "auto", "Torch cannot run"),
        (None, "onnxruntime", "bfloat16", "leave out `precision`"),
    ],
)
def test_what_cannot_run_it_is_refused(
    folder: Path, device: str | None, runtime: RuntimeName, precision: Precision, told: str
) -> None:
    write_encoder(folder, pooling="mean_tokens")
    with pytest.raises(ConfigError, match=told):
        Encoder(str(folder), device=device, runtime=runtime, precision=precision)


def test_onnx_runtime_runs_no_other_model() -> None:
    with pytest.raises(ConfigError, match=r"folders with a model\.onnx"):
        Encoder(runtime="onnxruntime")


def test_what_is_no_graph_of_tokens_is_refused(folder: Path) -> None:
    write_cross_encoder(folder)
    with pytest.raises(ConfigError, match="no output of 3 dimensions"):
        Encoder(str(folder), runtime="onnxruntime")
    (folder / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ConfigError, match="cannot run"):
        Encoder(str(folder), runtime="onnxruntime")


def test_a_model_that_does_not_say_how_it_pools_is_no_embedder(folder: Path) -> None:
    write_encoder(folder)
    with pytest.raises(ConfigError, match="no embedding model"):
        Embedder({"model": str(folder), "runtime": "onnxruntime"})
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_max_tokens": true}')
    with pytest.raises(ConfigError, match="neither by `cls` nor by `mean`"):
        Encoder(str(folder))


def test_queries_and_passages_have_their_markers(folder: Path) -> None:
    late(folder, do_query_expansion=False)
    encoder = Encoder(str(folder), runtime="onnxruntime")
    [plain] = encoder.tokenize(["tower"])
    assert encoder.tokenize_compared(["tower"], "query") == [[plain[0], 1, *plain[1:]]]
    assert encoder.tokenize_compared(["tower"], "document") == [[plain[0], 2, *plain[1:]]]
    assert not encoder.reads_alike
    [long] = encoder.tokenize_compared(["word " * 2000], "document")
    assert len(long) == encoder.max_tokens
    assert (long[:2], long[-1]) == ([101, 2], 102)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_query_is_filled_up_with_masks_that_nobody_looks_at(
    folder: Path, runtime: RuntimeName
) -> None:
    late(folder, query_length=12)
    encoder = Encoder(str(folder), runtime=runtime)
    [filled] = encoder.tokenize_compared(["tower"], "query")
    assert (len(filled), set(filled[4:])) == (12, {103})
    [vectors] = encoder.encode_tokens([filled])
    [bare] = encoder.encode_tokens([filled[:4]])
    assert vectors.shape == (12, WIDTH)
    assert vectors[:4] == pytest.approx(bare, abs=EXACT)
    [beside, _] = encoder.encode_tokens([filled, list(range(1000, 1100))])
    assert beside == pytest.approx(vectors, abs=EXACT)
    [longer] = encoder.tokenize_compared(["tower " * 20], "query")
    assert 103 not in longer


def test_punctuation_of_passages_is_left_out_where_the_model_wants_that(folder: Path) -> None:
    late(folder, skiplist_words=list(string.punctuation))
    encoder = Encoder(str(folder), runtime="onnxruntime")
    [read] = encoder.tokenize_compared(["a tower, tall."], "document")
    assert encoder.compared(read).tolist() == [True] * 4 + [False, True, False, True]
    assert encoder.compared([1010, 1012]).all()  # something is


def test_a_marker_that_the_tokenizer_does_not_have_is_refused(folder: Path) -> None:
    late(folder, query_prefix="[Q] ")
    with pytest.raises(ConfigError, match="no token"):
        Encoder(str(folder))
