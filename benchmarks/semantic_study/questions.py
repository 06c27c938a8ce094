"""Reads questions whose right answers are known, and puts them in other words."""

import gzip
import json
import random
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_QUOTES = str.maketrans("‘’“”", "''\"\"")
_WORDS = re.compile(r"\w+")
_INDIRECT = re.compile(r"(what|who|where|when) (is|are|was|were) ([^,?]+?) ?\?", re.IGNORECASE)
_HOW_TO = re.compile(r"how (?:do|can) i (.+)", re.IGNORECASE)


class BadSet(ValueError):
    """A file that has no labelled questions; the message is for whoever named it."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question, and what has its answer: equal labels have equal answers. Without a label nothing
    answers it, and it may only be asked."""

    text: str
    label: str | None


def read_set(path: Path) -> list[Labelled]:
    """Returns the questions of a JSONL file, which may be compressed with `.gz`.

    Texts that only typesetting makes differ are one question, the first of them: where a set gives
    them other labels, it contradicts itself.

    The question is `question` or `text`; its label is `label`, or else what the formats of known
    sets say: `doc_id` and `answers` (with `answerable`), `focus` and `qtype`, or `source`.

    Raises:
        BadSet: a line has no question, or none has a label.
    """
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    found: dict[str, Labelled] = {}
    for number, line in enumerate(content.decode().split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text = row.get("question") or row.get("text")
        except (ValueError, AttributeError) as error:
            raise BadSet(f"{path}: line {number} is no JSON object") from error
        if not isinstance(text, str) or not text.strip():
            raise BadSet(f"{path}: line {number} has no question")
        found.setdefault(_one_of(text), Labelled(text.strip(), _label(row)))
    if not any(one.label for one in found.values()):
        raise BadSet(f"{path}: no question has a label")
    return list(found.values())


def read_paraphrases(path: Path) -> list[tuple[str, str]]:
    """Returns pairs of a question and another one that asks the same, from the fields `question`
    and `paraphrase` of a JSONL file; raises BadSet."""
    pairs = []
    for line in filter(None, map(str.strip, path.read_text(encoding="utf-8").split("\n"))):
        row = json.loads(line)
        if not isinstance(row, dict) or not {"question", "paraphrase"} <= row.keys():
            raise BadSet(f"{path}: a line needs `question` and `paraphrase`")
        pairs.append((row["question"], row["paraphrase"]))
    return pairs


def _label(row: Mapping[str, Any]) -> str | None:
    if row.get("answerable") is False:
        return None
    if "label" in row:
        return None if row["label"] is None else str(row["label"])
    if "answers" in row:
        answers = sorted({_plain(answer) for answer in row["answers"]})
        return f"{row.get('doc_id', '')} {answers}"
    if "focus" in row:
        return f"{_plain(row['focus'])} {row.get('qtype', '')}"
    return row.get("source")


def _one_of(text: str) -> str:
    """Returns what is equal for texts that only typesetting makes differ."""
    plain = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    return " ".join(plain.casefold().split()).rstrip(" ?.!")


def _plain(text: str) -> str:
    """Returns a name without what spellings of it differ in."""
    return " ".join(_WORDS.findall(text.casefold()))


def _typo(text: str, chance: random.Random) -> str:
    """Returns the text with two neighbouring letters of its longest word exchanged."""
    word = max(text.split(), key=len)
    if len(word) < 4:
        return text
    place = chance.randrange(1, len(word) - 2)
    wrong = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return text.replace(word, wrong, 1)


def _indirect(text: str, _: random.Random) -> str:
    found = _INDIRECT.fullmatch(text)
    if found is None:
        return text
    return f"Can you tell me {found[1].lower()} {found[3]} {found[2]}?"


def _how_to(text: str, _: random.Random) -> str:
    found = _HOW_TO.fullmatch(text)
    return text if found is None else f"How to {found[1]}"


CHANGES: Mapping[str, Callable[[str, random.Random], str]] = {
    "upper case": lambda text, _: text.upper(),
    "lower case": lambda text, _: text.lower(),
    "without punctuation": lambda text, _: re.sub(r"[?.!,;]+(?=\s|$)", "", text),
    "greeting": lambda text, _: f"Hello! {text} Thanks in advance.",
    "polite": lambda text, _: f"Please, {text}",
    "white space": lambda text, _: "  " + text.replace(" ", "  "),
    "so": lambda text, _: f"So, {text[:1].lower()}{text[1:]}",
    "indirect": _indirect,
    "how to": _how_to,
    "typo": _typo,
}
"""Ways to put a question that change nothing of what it asks. Each returns the question itself
where it does not apply."""


def changed(
    questions: Sequence[Labelled], kind: str, *, most: int, seed: int
) -> list[tuple[Labelled, str]]:
    """Returns questions with the same in another form, as many as there are but at most `most`."""
    chance = random.Random(f"{kind} {seed}")
    drawn = chance.sample(questions, len(questions))
    pairs = ((one, CHANGES[kind](one.text, chance)) for one in drawn)
    return [(one, text) for one, text in pairs if text != one.text][:most]
