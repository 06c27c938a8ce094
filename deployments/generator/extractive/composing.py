"""The text of an answer, with the stretch that each source supports."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deployments.contracts.generation import Citation
from deployments.generator.extractive.reading.analysis import Sentence
from deployments.generator.extractive.reading.tables import is_rule
from deployments.generator.extractive.reading.terms import terms
from deployments.generator.extractive.sentence_scoring import Candidate

_MAX_ROWS = 12
"""Rows of a table that are shown whole; of a longer one those that have words of the question."""

Composed = tuple[str, tuple[Citation, ...]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to one question, nothing where the context does not support an answer."""

    answerability: float = 0.0
    composed: Composed = ("", ())

    @property
    def is_grounded(self) -> bool:
        """Whether anything is said."""
        return bool(self.composed[1])


def compose(chosen: Sequence[Candidate], question: Sentence, *, head: str = "") -> Composed:
    """Returns the text of the answer, which begins with `head`, and its citations."""
    text, was_block = "", False
    citations: list[Citation] = []
    for candidate in chosen:
        text += "" if not text else "\n\n" if was_block else " "
        start = len(text)
        statement = candidate.sentence.statement
        text += f"{head}. " if head and not citations else ""
        if statement.block == "row":
            statement = replace(
                statement, introduces=_rows_that_matter(statement.introduces, question)
            )
        # Below a block, in which a mark would be a part of the code or of the last cell.
        text += statement.quote + ("\n\n" if statement.introduces else " ")
        text += f"[{candidate.source}]"
        citations.append(Citation(start, len(text), candidate.source))
        was_block = bool(statement.introduces)
    return text, tuple(citations)


def joined(answers: Sequence[Answer], respellings: Sequence[tuple[str, str]] = ()) -> Composed:
    """Returns the answers to several questions as one, each a paragraph, behind a sentence on the
    words that were read as others."""
    read = ", ".join(f'"{word}" as "{meant}"' for word, meant in respellings)
    text = f"Read {read}." if read else ""
    citations: list[Citation] = []
    for answer in answers:
        own, cited = answer.composed
        if own in text:
            continue
        text += "\n\n" if text else ""
        offset = len(text)
        text += own
        citations += [replace(one, start=one.start + offset, end=one.end + offset) for one in cited]
    return text, tuple(citations)


def _rows_that_matter(table: str, question: Sentence) -> str:
    header, rule, *rows = table.split("\n")
    if len(rows) <= _MAX_ROWS or not is_rule(rule):
        return table
    fitting = [row for row in rows if question.terms.intersection(terms(row))]
    return "\n".join((header, rule, *(fitting[:_MAX_ROWS] or rows[:_MAX_ROWS])))
