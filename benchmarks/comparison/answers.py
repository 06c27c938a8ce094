"""Whether the service and a peer find, order and answer the same."""

from collections.abc import Sequence
from typing import Any

from benchmarks.comparison.asking import QUERY, SEARCH, ask_all, query_body, search_body
from benchmarks.comparison.contenders import HttpContender
from benchmarks.comparison.equality import compare_rankings, share_equal


async def compare_answers(
    service: HttpContender, peer: HttpContender, questions: Sequence[str]
) -> dict[str, Any]:
    """Returns how alike the first ten of a search are, the five of an answer, and its text.

    Raises:
        NotComparable: one of them did not answer.
    """
    searches = [search_body(question) for question in questions]
    queries = [query_body(question) for question in questions]
    found = [await ask_all(one, SEARCH, searches) for one in (service, peer)]
    answered = [await ask_all(one, QUERY, queries) for one in (service, peer)]
    return {
        "search": compare_rankings(*(_chunk_ids(bodies, "results") for bodies in found)),
        "query": compare_rankings(*(_chunk_ids(bodies, "sources") for bodies in answered)),
        "same_answer": share_equal(
            *([body["answer"] for body in bodies] for bodies in answered),
        ),
    }


def _chunk_ids(bodies: Sequence[Any], field: str) -> list[list[str]]:
    return [[source["chunk_id"] for source in body[field]] for body in bodies]
