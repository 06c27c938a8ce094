"""What the benchmarks send: questions and passages of a file that the user names, or of the guide.

The guide in docs/ is always there, so that every benchmark runs without any data set.
"""

import gzip
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_GUIDE = Path(__file__).parents[1] / "docs"
_HEADING = re.compile(r"^#{2,6} (.+)$", re.MULTILINE)
_LINES_OF_JSON = frozenset((".jsonl", ".ndjson"))


def read_texts(path: Path) -> list[str]:
    """Returns the texts of a file in its order: one per line, or the field "text" of each line of a
    `.jsonl` file, after its "title" if it has one. A name that ends in `.gz` is decompressed.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line has no text, or there is no line.
    """
    content = path.read_bytes()
    name = path
    if path.suffix == ".gz":
        content, name = gzip.decompress(content), path.with_suffix("")
    # Only at "\n": other separators may stand inside a JSON string.
    lines = [line.strip() for line in content.decode("utf-8").split("\n")]
    if name.suffix in _LINES_OF_JSON:
        lines = [_text_of(line, path) for line in lines if line]
    texts = [line for line in lines if line]
    if not texts:
        raise ValueError(f"{path} has no text")
    return texts


def guide_questions() -> list[str]:
    """Returns the headings of the guide below its titles, each once: what people look up in it."""
    found = (heading for text in guide_pages() for heading in _HEADING.findall(text))
    return list(dict.fromkeys(heading.strip() for heading in found))


def guide_pages() -> list[str]:
    """Returns the pages of the guide as Markdown."""
    return [page.read_text(encoding="utf-8") for page in sorted(_GUIDE.glob("*.md"))]


def cut_texts(texts: list[str], tokenizer: "Tokenizer", *, tokens: int) -> list[str]:
    """Returns the texts one after the other, cut into stretches that a model reads as `tokens`
    tokens, its special tokens included; the rest at the end is left out.

    A cut inside a word may change the number by one or two.
    """
    room = tokens - tokenizer.num_special_tokens_to_add(is_pair=False)
    whole = "\n".join(texts)
    offsets = tokenizer.encode(whole, add_special_tokens=False).offsets
    return [
        whole[offsets[start][0] : offsets[start + room - 1][1]]
        for start in range(0, len(offsets) - room + 1, room)
    ]


def _text_of(line: str, path: Path) -> str:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{path} has a line that is not JSON") from error
    text = record.get("text") if isinstance(record, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f'{path} has a line without "text"')
    return " ".join(part for part in (record.get("title"), text) if part).strip()
