"""How good one ranking of documents is, against the grades that people gave.

Ranked documents are distinct and best first. A grade above 0 is relevant; a document without one
counts as 0.
"""

import math
from collections.abc import Mapping, Sequence

Grades = Mapping[str, int]
"""Grade by document, for one query."""


def ndcg(ranked: Sequence[str], grades: Grades, *, k: int) -> float:
    """Returns the normalised discounted cumulative gain of the first `k`, from 0 to 1: the gain is
    the grade itself, the discount log2(rank + 1), as trec_eval and BEIR have it.

    Source: Järvelin and Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques, ACM
    Transactions on Information Systems 20, 2002, section 2.2.

    >>> round(ndcg(["a", "b"], {"b": 1}, k=10), 3)
    0.631
    """
    ideal = _gain(sorted(grades.values(), reverse=True)[:k])
    return _gain([grades.get(document, 0) for document in ranked[:k]]) / ideal if ideal else 0.0


def recall(ranked: Sequence[str], grades: Grades, *, k: int) -> float:
    """Returns the share of the relevant documents that is among the first `k`."""
    relevant = relevant_documents(grades)
    return len(relevant.intersection(ranked[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranked: Sequence[str], grades: Grades, *, k: int) -> float:
    """Returns 1 / rank of the first relevant document, 0 where it is not among the first `k`."""
    relevant = relevant_documents(grades)
    ranks = (rank for rank, document in enumerate(ranked[:k], start=1) if document in relevant)
    rank = next(ranks, None)
    return 0.0 if rank is None else 1.0 / rank


def relevant_documents(grades: Grades) -> set[str]:
    """Returns the documents whose grade is above 0."""
    return {document for document, grade in grades.items() if grade > 0}


def _gain(grades: Sequence[int]) -> float:
    return sum(max(grade, 0) / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))
