"""How well documents are found, stage by stage: quality over all judged queries, and the time of a
search over a sample of them, asked one after the other."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.load.output import progress
from benchmarks.quality import bootstrap
from benchmarks.quality.datasets import Judgements
from benchmarks.quality.in_flight import each
from benchmarks.quality.ingest import path_of
from benchmarks.quality.ranking_metrics import ndcg, recall, reciprocal_rank, relevant_documents
from benchmarks.quality.subject import Asked, Searched, Subject, whole
from deployments.contracts.search import SearchMode

K = 10
MAX_TOP_N = 100
"""Chunks that the service returns at most: several may be of one document."""


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a search goes."""

    name: str
    mode: SearchMode
    rerank: bool


STAGES = {
    one.name: one
    for one in (
        Stage("dense", "dense", rerank=False),
        Stage("lexical", "lexical", rerank=False),
        Stage("fused", "hybrid", rerank=False),
        Stage("reranked", "hybrid", rerank=True),
    )
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is asked.

    `candidates` chunks of each way of searching are fused, `top_k` of them reranked, and `top_n`
    returned: what the release does. `timed` counts the searches that are timed, `at_once` the
    others that are on their way at the same time.
    """

    candidates: int
    top_k: int
    top_n: int
    timed: int
    at_once: int
    seed: int

    def judged(self, text: str, stage: Stage) -> Asked:
        """Returns a search whose order is judged: the order that the release makes, as far down as
        it can be seen."""
        # Scores are scaled within the chunks that are fused or reranked: more of them would make
        # another order.
        own = {"hybrid": self.top_k if stage.rerank else max(self.candidates, self.top_k)}
        top_k = own.get(stage.mode, max(MAX_TOP_N, self.top_k))
        return Asked(text, stage.mode, stage.rerank, top_k, min(top_k, MAX_TOP_N))

    def as_deployed(self, text: str, stage: Stage) -> Asked:
        """Returns the search that the release makes of a question."""
        return Asked(text, stage.mode, stage.rerank, self.top_k, min(self.top_n, self.top_k))


async def study_stage(
    subject: Subject,
    dataset: str,
    stage: Stage,
    queries: Mapping[str, str],
    judgements: Judgements,
    plan: Plan,
) -> dict[str, Any]:
    """Returns the figures of one stage."""

    async def ask(text: str) -> Searched:
        return await whole(lambda: subject.search(plan.judged(text, stage)))

    with progress(len(queries), f"{dataset}: {stage.name}") as steps:
        found = await each(list(queries.values()), ask, at_once=plan.at_once, on_done=steps.done)
    rankings = {
        query: ranked_documents(one.paths, dataset)
        for query, one in zip(queries, found, strict=True)
    }
    figures = judge(rankings, judgements, seed=plan.seed)
    timed = pick(list(queries.values()), plan.timed, seed=plan.seed)
    with progress(len(timed), f"{dataset}: {stage.name}, one at a time") as steps:
        spent = await each(
            timed,
            lambda text: whole(lambda: subject.search(plan.as_deployed(text, stage))),
            at_once=1,
            on_done=steps.done,
        )
    return figures | summarise_times(spent)


def judged_queries(queries: Mapping[str, str], judgements: Judgements) -> dict[str, str]:
    """Returns the queries that have a relevant document; the others say nothing of a ranking."""
    return {
        query: text
        for query, text in queries.items()
        if relevant_documents(judgements.get(query, {}))
    }


def pick(items: Sequence[Any], count: int | None, *, seed: int) -> list[Any]:
    """Returns so many of the items, chosen by chance, in their order; all where it is None."""
    if count is None or count >= len(items):
        return list(items)
    places = sorted(random.Random(seed).sample(range(len(items)), count))
    return [items[place] for place in places]


def ranked_documents(paths: Sequence[str], dataset: str) -> list[str]:
    """Returns the data set's ids of the documents that chunks are from, each at its first chunk.
    A document of something else keeps its path, which no judgement knows."""
    prefix = path_of(dataset, "")
    # Ids cannot be taken for paths: what is cut off is put before the others.
    ids = (path[len(prefix) :] if path.startswith(prefix) else f"/{path}" for path in paths)
    return list(dict.fromkeys(ids))


def judge(
    rankings: Mapping[str, Sequence[str]], judgements: Judgements, *, seed: int
) -> dict[str, Any]:
    """Returns the means over queries with their intervals; at least one query is needed."""
    pairs = [(ranked, judgements[query]) for query, ranked in rankings.items()]
    values = {
        f"ndcg_at_{K}": [ndcg(ranked, grades, k=K) for ranked, grades in pairs],
        f"recall_at_{K}": [recall(ranked, grades, k=K) for ranked, grades in pairs],
        "recall_at_30": [recall(ranked, grades, k=30) for ranked, grades in pairs],
        f"mrr_at_{K}": [reciprocal_rank(ranked, grades, k=K) for ranked, grades in pairs],
        "first_hit": [reciprocal_rank(ranked, grades, k=1) for ranked, grades in pairs],
    }
    figures: dict[str, Any] = {
        name: bootstrap.mean(each_query, seed=seed).to_json() for name, each_query in values.items()
    }
    figures["queries"] = len(pairs)
    figures[f"lists_under_{K}"] = sum(len(ranked) < K for ranked, _ in pairs)
    return figures


def summarise_times(spent: Sequence[Searched]) -> dict[str, Any]:
    """Returns the percentiles of the searches, and the median of each stage in them, in
    milliseconds."""
    if not spent:
        return {}
    p50_ms, p95_ms = np.percentile([one.total_ms for one in spent], (50, 95))
    stages = dict.fromkeys(name for one in spent for name in one.stage_ms)
    return {
        "timed": len(spent),
        "p50_ms": round(float(p50_ms), 2),
        "p95_ms": round(float(p95_ms), 2),
        "stage_p50_ms": {
            name: round(float(np.median([one.stage_ms.get(name, 0.0) for one in spent])), 2)
            for name in stages
        },
    }
