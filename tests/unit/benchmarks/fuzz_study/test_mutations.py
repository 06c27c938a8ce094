"""Damaged files: the same for the same seed, and read or refused one by one."""

import io
import zipfile

from benchmarks.fuzz_study.mutations import Sample, mutated
from deployments.contracts.documents import Document, ReadFailure, Upload
from deployments.indexer.cage.limits import ReadingArgs
from deployments.indexer.cage.pool import ReaderPool


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("word/document.xml", "<w:document><w:p>One paragraph.</w:p></w:document>")
    return out.getvalue()


SAMPLES = [
    Sample(
        "notes.md", b"---\ntitle: Notes\nyear: 2021\n---\n# Notes\n\n- a\n- b\n\n```\ncode\n```\n"
    ),
    Sample("page.html", b"<html><head><title>T</title><body><table><tr><td>1<td>2</table><p>x"),
    Sample("rooms.csv", b"name,seats\nhall,39\nroom,12\n"),
    Sample("data.json", b'{"a": [1, 2, {"b": "text"}], "c": "d"}'),
    Sample("lines.jsonl", b'{"id": 1, "text": "one"}\n{"id": 2, "text": "two"}\n'),
    Sample("report.docx", archive()),
]


def test_a_seed_gives_the_same_files() -> None:
    first, again = (list(mutated(SAMPLES, count=50, seed=3)) for _ in range(2))
    assert first == again
    assert first != list(mutated(SAMPLES, count=50, seed=4))
    assert len({sample.name for sample in first}) == 50


def test_every_damaged_file_is_read_or_fails_by_itself() -> None:
    pool = ReaderPool(ReadingArgs(processes=1, timeout_s=10, memory_mib=512))
    try:
        for sample in mutated(SAMPLES, count=120, seed=5):
            found = list(pool.read(Upload(sample.name, sample.content)))
            assert found, sample.name
            for item in found:
                assert isinstance(item, Document | ReadFailure)
                told = item.message if isinstance(item, ReadFailure) else ""
                assert "crashed" not in told, (sample.name, told)
                assert "gave up" not in told, (sample.name, told)
    finally:
        pool.close()
