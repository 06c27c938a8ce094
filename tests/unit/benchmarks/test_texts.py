"""What the benchmarks send."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from typer.testing import CliRunner

from benchmarks import moderation, response_cache
from benchmarks.texts import cut_texts, guide_questions, read_texts


def word_tokenizer() -> Tokenizer:
    """One token per word, and a special one at both ends."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "[S]": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[S] $A [S]", special_tokens=[("[S]", 1)])
    return tokenizer


def test_lines_are_texts(tmp_path: Path) -> None:
    file = tmp_path / "questions.txt"
    file.write_text("first\n\n  second\u2028still second  \r\n", encoding="utf-8")
    assert read_texts(file) == ["first", "second\u2028still second"]


def test_jsonl_gives_text_after_title(tmp_path: Path) -> None:
    file = tmp_path / "corpus.jsonl.gz"
    lines = '{"text": "alone"}\n{"title": "Title", "text": "body"}\n{"title": "", "text": "b"}\n'
    file.write_bytes(gzip.compress(lines.encode()))
    assert read_texts(file) == ["alone", "Title body", "b"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "\n \n"),
        ("a.jsonl", '{"question": "q"}'),
        ("a.jsonl", '{"text": " "}'),
        ("a.jsonl", "no json"),
        ("a.jsonl", "[1]"),
    ],
    ids=["blank", "no-text", "blank-text", "no-json", "no-object"],
)
def test_file_without_texts_is_refused_by_name(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=name):
        read_texts(file)


def test_guide_always_has_questions() -> None:
    found = guide_questions()
    assert len(found) > 20
    assert len(set(found)) == len(found)
    assert not any(question.startswith("#") for question in found)


def test_cut_texts_have_the_wanted_tokens() -> None:
    tokenizer = word_tokenizer()
    words = [f"w{n}" for n in range(23)]
    cut = cut_texts([" ".join(words[:9]), " ".join(words[9:])], tokenizer, tokens=7)
    assert [len(tokenizer.encode(text).ids) for text in cut] == [7, 7, 7, 7]
    assert " ".join(cut).split() == words[:20]


def test_too_little_text_gives_nothing() -> None:
    assert cut_texts(["one two"], word_tokenizer(), tokens=5) == []


@pytest.mark.parametrize(
    ("main", "option"), [(moderation.main, "--texts"), (response_cache.main, "--queries")]
)
@pytest.mark.parametrize("content", ['{"text": " "}\n', None])
def test_a_file_without_texts_is_said_in_a_line(
    main: Callable[..., None], option: str, content: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "texts.jsonl"
    if content is not None:
        file.write_text(content)
    command = typer.Typer()
    command.command()(main)
    done = CliRunner().invoke(command, [option, str(file)])
    assert done.exit_code == 2
    assert "texts.jsonl" in "".join(done.output.replace("│", "").split())
    assert "Traceback" not in done.output
