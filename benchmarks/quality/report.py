"""Figures of quality as tables."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from benchmarks.quality.retrieval_study import K

_RETRIEVAL = {
    f"nDCG@{K}": f"ndcg_at_{K}",
    f"recall@{K}": f"recall_at_{K}",
    "recall@30": "recall_at_30",
    f"MRR@{K}": f"mrr_at_{K}",
    "first hit": "first_hit",
}
_ANSWERS = {
    "gold_in_answer": "gold answer inside the answer, of answerable questions",
    "gold_in_cited": "gold answer inside a cited passage, of answerable questions",
    "token_recall": "words of the long answer in the answers given",
    "sentences": "sentences of an answer given",
    "coverage": "answerable questions that are answered (coverage)",
    "risk": "answers given that are wrong (risk)",
    "answered_near_misses": "near-misses that are answered",
}
_TYPES = {
    "gold_in_answer": "gold in answer",
    "coverage": "coverage",
    "answered_near_misses": "near-misses answered",
    "auroc": "AUROC of `answerability`",
}


def retrieval_table(dataset: str, found: Mapping[str, Any]) -> Table:
    """Returns a row per stage: quality with 95 % intervals, and milliseconds of a search."""
    table = Table(
        title=f"{dataset}: {found['queries']} queries, {found['documents']} documents, "
        f"{found['chunks']} chunks"
    )
    table.add_column("")
    for name in (*_RETRIEVAL, "p50 ms", "p95 ms"):
        table.add_column(name, justify="right")
    for stage, figures in found["stages"].items():
        times = (f"{figures[name]:.1f}" if name in figures else "" for name in ("p50_ms", "p95_ms"))
        table.add_row(stage, *(_estimate(figures[key]) for key in _RETRIEVAL.values()), *times)
    return table


def retrieval_notes(found: Mapping[str, Any]) -> list[str]:
    """Returns what has to be said beside the table."""
    notes = []
    if left_out := found["left_out"]:
        notes.append(f"{left_out} queries are left out: no document is judged relevant to them.")
    notes += document_notes(found)
    for stage, figures in found["stages"].items():
        if count := figures[f"lists_under_{K}"]:
            notes.append(f"{stage}: {count} queries found fewer than {K} different documents.")
        if spent := figures.get("stage_p50_ms"):
            parts = ", ".join(f"{name} {took_ms:.1f}" for name, took_ms in spent.items())
            notes.append(f"{stage}: p50 ms of {parts}.")
    return notes


def document_notes(found: Mapping[str, Any]) -> list[str]:
    """Returns what has to be said of the documents."""
    reasons = Counter(found["not_indexed"].values())
    return [f"{count} documents were not indexed: {reason}" for reason, count in reasons.items()]


def answers_table(dataset: str, found: Mapping[str, Any]) -> Table:
    """Returns a row per figure with its 95 % interval."""
    table = Table(
        "",
        title=f"{dataset}: {found['questions']} questions, {found['answerable']} of them "
        f"answerable; {found['answered']} answered",
    )
    table.add_column("value", justify="right")
    for key, says in _ANSWERS.items():
        if key in found:
            table.add_row(says, _estimate(found[key]))
    for name, figure in found.get("auroc", {}).items():
        table.add_row(f"AUROC of `{name}`, answerable against near-miss", _estimate(figure))
    return table


def types_table(dataset: str, found: Mapping[str, Any]) -> Table:
    """Returns a row per type of question: how many are answered, and how well near-misses are told
    from others."""
    table = Table("type of question", title=f"{dataset}, by type of question")
    table.add_column("questions", justify="right")
    for says in _TYPES.values():
        table.add_column(says, justify="right")
    for kind, figures in found["by_type"].items():
        cells = (_estimate(figures[key]) if key in figures else "" for key in _TYPES)
        table.add_row(kind, str(figures["questions"]), *cells)
    return table


def answers_notes(found: Mapping[str, Any]) -> list[str]:
    """Returns what is missing in the table, and why."""
    notes = document_notes(found)
    if "gold_in_answer" not in found:
        judged = "only by its words" if "token_recall" in found else "not at all"
        notes.append(f"There are no short gold answers: what is right is judged {judged}.")
    if "auroc" not in found:
        notes.append("All questions are of one kind: there is nothing to tell apart by refusing.")
    notes += [
        f"No answer has `{name}`: how sure the generator is, is not said."
        for name in found["missing"]
    ]
    return notes


def _estimate(figure: Mapping[str, Any]) -> str:
    low, high = figure["ci95"]
    return f"{figure['value']:.3f} [dim]({low:.3f} to {high:.3f})[/]"
