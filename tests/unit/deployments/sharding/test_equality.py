"""Shards find what one index with all documents finds: the same chunks in the same order."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.contracts.documents import Chunk, chunk_id
from deployments.contracts.search import Found, SearchMethod
from tests.local_shards import Dealt
from tests.made_up_corpus import made_up_chunks, made_up_questions

_SETS = {"scifact": "corpus.jsonl.gz", "xquad_en": "corpus.jsonl"}


def ids(found: Found) -> list[str]:
    return [hit.chunk.id for hit in found.hits]


@pytest.mark.parametrize(
    ("shards", "in_files", "questions"),
    [(2, False, 500), (4, False, 500), (2, True, 150)],
    ids=["two", "four", "newer than files"],
)
async def test_five_hundred_questions_find_the_same(
    shards: int, in_files: bool, questions: int
) -> None:
    dealt = Dealt(made_up_chunks(), shards, in_files=in_files)
    found_any = 0
    for asked in made_up_questions(questions):
        how = SearchMethod(asked.mode)
        wishes = {"top_k": asked.top_k, "where": asked.where, "how": how, "reach": asked.reach}
        one = dealt.search_one(asked.text, asked.access, **wishes)
        several = await dealt.search(asked.text, asked.access, **wishes)
        assert ids(several) == ids(one), asked
        assert [hit.rank for hit in several.hits] == [hit.rank for hit in one.hits]
        assert [hit.score for hit in several.hits] == pytest.approx(
            [hit.score for hit in one.hits], abs=1.5e-4
        )
        assert [hit.signals.dense for hit in several.hits] == pytest.approx(
            [hit.signals.dense for hit in one.hits], abs=2e-6
        )
        assert {chunk.id for chunk in several.neighbours} == {chunk.id for chunk in one.neighbours}
        assert not several.missing
        found_any += bool(one.hits)
    assert found_any > 0.8 * questions


@pytest.mark.parametrize("name", sorted(_SETS))
async def test_real_questions_find_the_same_in_real_texts(shared_data: Path, name: str) -> None:
    folder = shared_data / name
    corpus = [*lines(folder / _SETS[name])][:600]
    chunks = [
        Chunk(chunk_id(one["id"], 0), one["id"], 0, one["text"], one["id"], one["title"])
        for one in corpus
    ]
    dealt = Dealt(chunks, 3)
    for question in [one["text"] for one in lines(folder / "queries.jsonl")][:40]:
        for mode in ("hybrid", "lexical"):
            one = dealt.search_one(question, how=SearchMethod(mode), top_k=40)
            several = await dealt.search(question, how=SearchMethod(mode), top_k=40)
            assert ids(several) == ids(one), (mode, question)


def lines(file: Path) -> Iterator[dict[str, str]]:
    """Yields the objects of a file of JSON lines."""
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as opened:
        for line in opened:
            yield json.loads(line)
