"""Misses and false alarms on text that others wrote; skipped where the sample files are not."""

import gzip
import json
import tarfile
from pathlib import Path

import pytest

from deployments.redaction.redactor import Redactor
from tests.pii import PII_VALUES

REDACTOR = Redactor()

# Of what these hold, addresses and numbers of real people are found rightly; nothing is subtracted.
MAX_FOUND_PER_10_000_WORDS = {"squad2_half": 0.5, "scifact": 0.5, "ray_questions": 2.0}


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        pytest.skip(f"no sample file {path.name} in {path.parent.name}")
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in raw.decode("utf-8").split("\n") if line]


def _found_per_10_000_words(texts: list[str]) -> float:
    words = sum(len(text.split()) for text in texts)
    return 10_000 * sum(len(REDACTOR.find(text)) for text in texts) / words


def test_no_value_of_the_known_kinds_survives(shared_data: Path) -> None:
    rows = _lines(shared_data / "semantic_router_safety/pii.jsonl")
    text = "\n".join(row["question"] for row in rows)
    redacted = "\n".join(REDACTOR.redact(row["question"]) for row in rows)
    for kind, values in PII_VALUES.items():
        assert all(value in text for value in values), "the set has changed"
        assert [value for value in values if value in redacted] == []
        assert f"<{kind}_1>" in redacted


@pytest.mark.parametrize("name", MAX_FOUND_PER_10_000_WORDS)
def test_prose_is_left_alone(shared_data: Path, name: str) -> None:
    path = {
        "squad2_half": "squad2_half/corpus.jsonl",
        "scifact": "scifact/corpus.jsonl.gz",
        "ray_questions": "ray_questions/queries.jsonl",
    }[name]
    # A tenth of the largest set is enough to show a pattern that takes too much.
    texts = [row["text"] for row in _lines(shared_data / path)][:600]
    assert _found_per_10_000_words(texts) < MAX_FOUND_PER_10_000_WORDS[name]


def test_manual_full_of_code_is_left_alone(shared_data: Path) -> None:
    """The manual's own sample addresses, passwords and tokens are found rightly: bounded apart."""
    path = shared_data / "docs_fastapi/files.tar.gz"
    if not path.is_file():
        pytest.skip("no sample file files.tar.gz in docs_fastapi")
    with tarfile.open(path) as archive:
        files = [archive.extractfile(member) for member in archive]
        texts = [file.read().decode("utf-8", "replace") for file in files if file]
    words = sum(len(text.split()) for text in texts)
    found = [text[finding.start : finding.end] for text in texts for finding in REDACTOR.find(text)]
    addresses = [value for value in found if "@" in value]
    assert all("@example.com" in value or ".com" in value for value in addresses)
    assert 10_000 * (len(found) - len(addresses)) / words < 2
