"""Reading data sets: what is taken, and what is said where something is wrong."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.quality.datasets import (
    BadData,
    CorpusDocument,
    JudgedQuestion,
    name_of,
    read_corpus,
    read_judgements,
    read_queries,
    read_questions,
)


def test_folder_gives_the_name(tmp_path: Path) -> None:
    assert name_of(tmp_path / "." / "..") == tmp_path.parent.name


def test_lines_end_at_newlines_only(tmp_path: Path) -> None:
    line = '{"id": "1", "title": "T", "text": "one\u2028two\x85three"}'
    (tmp_path / "corpus.jsonl").write_text(f"{line}\r\n\n", encoding="utf-8", newline="")
    assert read_corpus(tmp_path) == [CorpusDocument("1", "T", "one\u2028two\x85three")]


def test_compressed_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl.gz").write_bytes(gzip.compress(b'{"id": 7, "text": "why?"}\n'))
    assert read_queries(tmp_path) == {"7": "why?"}


def test_judgements_are_grades_by_query(tmp_path: Path) -> None:
    (tmp_path / "qrels.tsv").write_text("q1\td1\t2\nq1\td2\t0\nq2\td1\t1\n")
    assert read_judgements(tmp_path) == {"q1": {"d1": 2, "d2": 0}, "q2": {"d1": 1}}


def test_questions_have_short_answers_or_a_long_one(tmp_path: Path) -> None:
    (tmp_path / "qa.jsonl").write_text(
        '{"id": "1", "question": "q", "answers": ["a", "b"], "answerable": true}\n'
        '{"id": "2", "question": "q", "answers": [], "answerable": false}\n'
        '{"id": "3", "question": "q", "answer": "yes", "long_answer": "It does."}\n'
    )
    assert read_questions(tmp_path) == [
        JudgedQuestion("1", "q", ("a", "b"), "", True),
        JudgedQuestion("2", "q", (), "", False),
        JudgedQuestion("3", "q", (), "It does.", True),
    ]


@pytest.mark.parametrize(
    ("read", "file", "content", "says"),
    [
        (read_corpus, "corpus.jsonl", "{no", "corpus.jsonl:1: this is not JSON"),
        (read_corpus, "corpus.jsonl", '\n["a"]', "corpus.jsonl:2: this is not a JSON object"),
        (read_corpus, "corpus.jsonl", '{"id": "1"}', '"text" must be a text'),
        (read_corpus, "corpus.jsonl", '{"id": "1", "text": "a"}\n' * 2, "'1' comes twice"),
        (read_corpus, "corpus.jsonl", "\n", "is empty"),
        (read_queries, "queries.jsonl", '{"id": true, "text": "a"}', '"id" must be a text'),
        (read_judgements, "qrels.tsv", "q1 d1 1", "qrels.tsv:1: this is not query, document"),
        (read_judgements, "qrels.tsv", "q1\td1\thigh", "this is not query, document and grade"),
        (read_questions, "qa.jsonl", '{"id": "1", "question": "q", "answers": "a"}', "a list of"),
        (read_corpus, "corpus.jsonl.gz", "no gzip", "cannot be read"),
    ],
)
def test_mistake_is_named_with_its_place(
    tmp_path: Path, read: Callable[[Path], Any], file: str, content: str, says: str
) -> None:
    (tmp_path / file).write_text(content)
    with pytest.raises(BadData, match=says):
        read(tmp_path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"no qrels\.tsv, and no qrels\.tsv\.gz"):
        read_judgements(tmp_path)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="There is no folder"):
        read_corpus(tmp_path / "nowhere")
