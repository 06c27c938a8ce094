"""The benchmark of semantic caches, on small sets that are made here."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks import semantic_cache
from benchmarks.semantic_cache import cli
from benchmarks.semantic_study.questions import CHANGES, BadSet, Labelled, changed, read_set
from benchmarks.semantic_study.study import study, upper_bound
from deployments.contracts.vectors import Vectors
from tests.doubles import vector_of

SUBJECTS = [f"{kind} {number}" for kind in ("queue", "replica", "index") for number in range(4)]
QUESTIONS = [
    Labelled(f"{lead} is {subject}?", None if subject == "index 3" else f"{lead} {subject}")
    for subject in SUBJECTS
    for lead in ("What", "Where")
]
"""Each has a near-miss that differs in a number, and one that differs in the question word."""


def embed(texts: Sequence[str]) -> Vectors:
    return np.stack([vector_of(text) for text in texts])


def studied(questions: Sequence[Labelled], **how: Any) -> dict[str, Any]:
    return study(
        questions,
        embed,
        similarities=[0.5, 0.9],
        verified_similarities=[0.9],
        changes=5,
        seed=7,
        done=lambda _: None,
        **({"paraphrases": []} | how),
    )


def rows(found: list[dict[str, Any]]) -> dict[tuple[str, float], dict[str, Any]]:
    return {(row["cache"], row["similarity"]): row for row in found}


def test_near_misses_are_given_by_nearness_and_by_nothing_else() -> None:
    found = studied(QUESTIONS)
    others = rows(found["other_questions"])
    assert {row["asked"] for row in others.values()} == {len(QUESTIONS)}
    assert others["cosine", 0.5]["false_hits"] > 10
    assert others["exact", 0.0]["false_hits"] == 0
    assert others["verified", 0.9]["false_hits"] == 0
    assert others["exact", 0.0]["false_per_1000_at_most"] == pytest.approx(
        1000 * (1 - 0.05 ** (1 / len(QUESTIONS))), abs=0.01
    )


def test_changes_of_form_are_given_again() -> None:
    found = studied(QUESTIONS)["same_questions"]
    assert found.keys() == CHANGES.keys()
    for kind in ("upper case", "greeting", "polite", "white space"):
        assert rows(found[kind])["exact", 0.0]["right_hit_ratio"] == 1.0
    indirect = rows(found["indirect"])
    assert indirect["exact", 0.0]["right_hit_ratio"] == 0.0
    assert indirect["verified", 0.9]["right_hit_ratio"] == 1.0
    assert rows(found["typo"])["verified", 0.9]["right_hit_ratio"] == 0.0


def test_paraphrases_of_the_set_are_asked() -> None:
    pairs = [("What is queue 1?", "Do you know what queue 1 is?"), ("never asked", "hm")]
    found = rows(studied(QUESTIONS, paraphrases=pairs)["same_questions"]["paraphrase"])
    assert found["verified", 0.9]["asked"] == 1
    assert found["verified", 0.9]["right_hits"] == 1


def test_an_answer_that_nothing_has_is_false() -> None:
    twins = [Labelled("What is it?", "a"), Labelled("Please, what is it?", None)]
    found = rows(studied(twins)["other_questions"])["exact", 0.0]
    assert (found["asked"], found["false_hits"], found["right_hits"]) == (2, 1, 0)


def test_a_change_is_none_where_nothing_changes() -> None:
    [pair] = changed(
        [Labelled("How do I ask?", "x"), Labelled("Why?", "y")], "how to", most=9, seed=1
    )
    assert pair == (Labelled("How do I ask?", "x"), "How to ask?")


@pytest.mark.parametrize(
    ("count", "of", "bound"),
    [(0, 4881, 0.000614), (0, 100, 0.0295), (10, 1000, 0.0169), (3, 3, 1.0), (0, 0, 1.0)],
)
def test_the_bound_is_that_of_clopper_and_pearson(count: int, of: int, bound: float) -> None:
    assert upper_bound(count, of) == pytest.approx(bound, rel=0.01)


FORMATS = [
    ({"question": "Q?", "label": "x"}, "x"),
    ({"question": "Q?", "label": None}, None),
    ({"question": "Q?", "doc_id": "p1", "answers": ["B", "A"]}, "p1 ['a', 'b']"),
    ({"question": "Q?", "doc_id": "p1", "answers": [], "answerable": False}, None),
    ({"question": "Q?", "focus": "Von-Willebrand disease", "qtype": "causes"},
     "von willebrand disease causes"),
    ({"text": "Q?", "source": "page#section"}, "page#section"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "label"), FORMATS)
def test_known_formats_are_read(tmp_path: Path, row: dict[str, Any], label: str | None) -> None:
    lines = [row, {"question": "Other\u2028one?", "label": "other"}]
    path = tmp_path / "set.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    assert read_set(path)[0] == Labelled("Q?", label)


def test_what_typesetting_makes_differ_is_one_question(tmp_path: Path) -> None:
    lines = [
        {"question": "What is “it”?", "label": "a"},
        {"question": 'What  is "it"', "label": "b"},
        {"question": "What is C#?", "label": "c"},
        {"question": "What is C?", "label": "d"},
    ]
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    assert [one.label for one in read_set(path)] == ["a", "c", "d"]


@pytest.mark.parametrize("content", ["", "no json", '{"label": "x"}', '{"question": "Q?"}', "[1]"])
def test_a_file_without_labelled_questions_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(content)
    with pytest.raises(BadSet, match="set.jsonl"):
        read_set(path)


class _Embeddings:
    model = "double"

    def __init__(self, model: str | None) -> None:
        assert model is None

    def __call__(self, texts: Sequence[str]) -> Vectors:
        return embed(texts)


def test_the_command_writes_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semantic_cache, "Embeddings", _Embeddings)
    path, output = tmp_path / "set.jsonl", tmp_path / "result.json"
    lines = [{"question": one.text, "label": one.label} for one in QUESTIONS]
    path.write_text("\n".join(map(json.dumps, lines)))
    shown = CliRunner().invoke(cli, [str(path), "--output", str(output), "--changes", "3"])
    assert shown.exit_code == 0, shown.output
    [found] = json.loads(output.read_text())["results"].values()
    assert rows(found["other_questions"])["verified", 0.9]["false_hits"] == 0
    # A set whose labels say that equal questions have other answers.
    path.write_text(
        '{"question": "Why?", "label": "a"}\n{"question": "Please, why?", "label": "b"}'
    )
    assert CliRunner().invoke(cli, [str(path), "--changes", "3"]).exit_code == 1
    path.write_text("no json")
    assert CliRunner().invoke(cli, [str(path)]).exit_code == 2


def test_its_help_says_what_it_does() -> None:
    shown = CliRunner().invoke(cli, ["--help"])
    assert shown.exit_code == 0
    assert "false hits" in shown.output
