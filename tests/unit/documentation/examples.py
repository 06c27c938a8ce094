"""The examples of the documentation: every fenced block, with its language and its place."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_BLOCK = re.compile(r"^```(?P<language>\S*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s{2,})#\s.*$")


@dataclass(frozen=True)
class Example:
    """A fenced block."""

    page: str
    line: int
    language: str
    body: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def examples(*languages: str) -> list[Example]:
    """Returns the blocks of these languages, or all."""
    return [
        example
        for page in PAGES
        for example in _blocks_of(page)
        if not languages or example.language in languages
    ]


def commands(example: Example) -> Iterator[list[str]]:
    """Yields the words of each command of a shell example, up to a pipe or a redirection."""
    for line in example.body.replace("\\\n", " ").split("\n"):
        lexer = shlex.shlex(_COMMENT.sub("", line), posix=True, punctuation_chars="|>")
        lexer.whitespace_split = True
        lexer.commenters = ""
        words: list[str] = []
        for word in lexer:
            if word and set(word) <= {"|", ">"}:
                break
            words.append(word)
        if words:
            yield words


def _blocks_of(page: Path) -> Iterator[Example]:
    text = page.read_text(encoding="utf-8")
    for block in _BLOCK.finditer(text):
        line = text.count("\n", 0, block.start()) + 1
        name = page.relative_to(ROOT).as_posix()
        yield Example(name, line, block["language"], block["body"])
