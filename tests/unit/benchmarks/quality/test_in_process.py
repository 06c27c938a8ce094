"""The product's own path in this process, on 82 real documents with the real model."""

import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import datasets
from benchmarks.quality.deployed import DEFAULT_CONFIG, Deployed, read_deployed, with_settings
from benchmarks.quality.ingest import index_documents, to_document
from benchmarks.quality.retrieval_study import (
    STAGES,
    Plan,
    judge,
    judged_queries,
    ranked_documents,
    study_stage,
)
from deployments.encoding.encoder import Encoder
from deployments.encoding.weights import tokenizer_path
from deployments.indexer.chunking import Chunker

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from benchmarks.quality.in_process import InProcess
    from benchmarks.quality.local_stages import LocalApplications

PLAN = Plan(candidates=50, top_k=30, top_n=5, timed=3, at_once=16, seed=7)
CHUNK_TOKENS, OVERLAP_TOKENS = 64, 8
"""Small, so that documents have several chunks."""


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    if not (shared_data / "adi").is_dir():
        pytest.skip("no adi among the sample files")
    return shared_data / "adi"


@pytest.fixture(scope="module")
def corpus(folder: Path) -> list[datasets.CorpusDocument]:
    return datasets.read_corpus(folder)


@pytest.fixture
def deployed() -> Deployed:
    changes = {
        "retrieval.max_chunk_tokens": CHUNK_TOKENS,
        "retrieval.overlap_tokens": OVERLAP_TOKENS,
        # One runtime, so that nothing is timed to choose among several.
        "retrieval.embedder.runtime": "torch",
        "retrieval.reranker.runtime": "torch",
    }
    return with_settings(read_deployed(DEFAULT_CONFIG), changes)


@pytest.fixture
async def subject(deployed: Deployed, tmp_path: Path) -> AsyncIterator[InProcess]:
    async with InProcess(deployed, tmp_path, LocalApplications(), answers=True) as subject:
        yield subject


def exact_rankings(
    corpus: list[datasets.CorpusDocument], queries: dict[str, str]
) -> dict[str, list[str]]:
    """Documents by the best cosine of their chunks, from the plain encoder and every vector."""
    encoder = Encoder(runtime="torch")
    chunker = Chunker(
        tokenizer_path(encoder.model), max_tokens=CHUNK_TOKENS, overlap_tokens=OVERLAP_TOKENS
    )
    chunks = [chunk for one in corpus for chunk in chunker.split(to_document("adi", one))]
    assert len(chunks) > len(corpus)
    vectors = encoder.encode(encoder.tokenize([chunk.passage() for chunk in chunks]))
    asked = encoder.encode(encoder.tokenize(list(queries.values())))
    orders = np.argsort(-(asked @ vectors.T), axis=1, kind="stable")
    return {
        query: ranked_documents([chunks[place].path for place in order], "adi")
        for query, order in zip(queries, orders, strict=True)
    }


async def test_stages_give_what_the_model_gives_and_better(
    folder: Path, corpus: list[datasets.CorpusDocument], subject: InProcess
) -> None:
    judgements = datasets.read_judgements(folder)
    queries = judged_queries(datasets.read_queries(folder), judgements)
    indexed = await index_documents(subject, "adi", corpus)
    assert indexed.documents == len(corpus) == 82
    assert (await index_documents(subject, "adi", corpus)).written == 0

    found = {
        stage.name: await study_stage(subject, "adi", stage, queries, judgements, PLAN)
        for stage in STAGES.values()
    }

    exact = judge(exact_rankings(corpus, queries), judgements, seed=PLAN.seed)
    for metric in ("ndcg_at_10", "recall_at_10", "mrr_at_10"):
        assert found["dense"][metric]["value"] == pytest.approx(exact[metric]["value"], abs=0.02)
    ndcg = {name: figures["ndcg_at_10"]["value"] for name, figures in found.items()}
    assert min(ndcg.values()) > 0.3
    assert ndcg["fused"] > min(ndcg["dense"], ndcg["lexical"])
    assert set(found["reranked"]["stage_p50_ms"]) == {"embedder", "retriever", "reranker"}
    assert "embedder" not in found["lexical"]["stage_p50_ms"]
    assert found["reranked"]["timed"] == 3

    answered = await subject.answer("How can articles be retrieved by their titles?")
    assert answered.grounded
    assert answered.cited
    assert {"score", "dense", "rerank"} <= set(answered.signals)
    assert subject.describe()["retrieval"]["max_chunk_tokens"] == CHUNK_TOKENS
