"""Which stretches of an answer rest on which source, read from the markers that the model wrote.

A marker is `[2]` or `[1, 3]` with numbers of sources that there are; any other bracket is text, and
so is one in code, where it is an index.
"""

import re
from collections.abc import Collection, Sequence

from deployments.contracts.generation import Citation
from deployments.generator.extractive.engine import NO_INFORMATION

_MARKER = re.compile(r"\[\s*[0-9]{1,4}(?:\s*[,;]\s*[0-9]{1,4})*\s*\]")
_NUMBER = re.compile(r"[0-9]+")
_WORD = re.compile(r"\w+")
_LEAD = re.compile(r"(?:[\s.,;:!?)\]|。！？，、；：]|[-*+#>–—•]+(?=\s)|[0-9]{1,3}[.)](?=\s))*")
"""What stands before a sentence and is no part of it: the end of the last one, marks of a list."""
_FENCES = ("```", "~~~")
_SPARE_WORDS = 6
"""Words that a refusal to answer may have beside its own, such as an apology."""


class CitationTracker:
    """Finds the citations of an answer while it is written.

    A citation's stretch begins with the sentence in which its marker stands, or behind the marker
    before it in the same sentence, and ends with the marker. Markers with no word between them
    begin at the same place. How the text was cut into pieces makes no difference.

    Args:
        ranks: Numbers of the sources that may be cited.
    """

    def __init__(self, ranks: Collection[int]) -> None:
        self._ranks = frozenset(ranks)
        self._text = ""
        self._scanned = 0
        self._code = _Code()
        self._start: int | None = None
        self._end = 0

    def feed(self, text: str) -> tuple[Citation, ...]:
        """Returns the citations that this piece of text completes, in their order; offsets count
        the characters of all pieces so far."""
        self._text += text
        found: list[Citation] = []
        for match in _MARKER.finditer(self._text, self._scanned):
            self._scanned = match.end()
            numbers = dict.fromkeys(int(number) for number in _NUMBER.findall(match.group()))
            sources = [number for number in numbers if number in self._ranks]
            if sources and not self._code.reaches(self._text, match.start()):
                self._start, self._end = self._start_of_stretch(match.start()), match.end()
                found.extend(Citation(self._start, self._end, source) for source in sources)
        opened = self._text.rfind("[", self._scanned)
        self._scanned = opened if opened >= 0 else len(self._text)
        return tuple(found)

    def _start_of_stretch(self, marker: int) -> int:
        """Returns where the stretch of a marker begins that stands at `marker`.

        Only text before the marker counts, and only text behind the marker before it.
        """
        before = self._text[self._end : marker]
        if not _has_words(before):
            return marker if self._start is None else self._start
        sentence = self._end + _start_of_last_sentence(before)
        lead = _LEAD.match(self._text, sentence, marker)
        return lead.end() if lead else sentence


class _Code:
    """Follows a text from its beginning, and knows where it is code."""

    def __init__(self) -> None:
        self._end = 0
        self._line = ""
        self._is_fenced = False

    def reaches(self, text: str, position: int) -> bool:
        """Returns whether a place that is no nearer to the beginning than the last one is inside of
        a fence, or of backticks on its line."""
        *lines, rest = (self._line + text[self._end : position]).split("\n")
        self._is_fenced ^= sum(line.lstrip().startswith(_FENCES) for line in lines) % 2 == 1
        self._line, self._end = rest, position
        return self._is_fenced or rest.lstrip().startswith(_FENCES) or rest.count("`") % 2 == 1


def is_grounded(text: str, citations: Sequence[Citation]) -> bool:
    """Returns whether an answer rests on sources: it cites one, and is not the sentence that says
    that there is nothing to say. Case, punctuation and a few words around it do not matter."""
    said = _WORD.findall(_MARKER.sub(" ", text).casefold())
    refusal = _WORD.findall(NO_INFORMATION.casefold())
    refuses = f" {' '.join(refusal)} " in f" {' '.join(said)} "
    return bool(citations) and not (refuses and len(said) <= len(refusal) + _SPARE_WORDS)


def _has_words(text: str) -> bool:
    return _WORD.search(_MARKER.sub(" ", text)) is not None


def _start_of_last_sentence(text: str) -> int:
    """Returns where the last sentence with a word in it begins; a line's end also ends one."""
    from sentencex import segment

    end = len(text)
    for line in reversed(text.splitlines(keepends=True)):
        end -= len(line)
        if _has_words(line):
            start = end + len(line)
            for sentence in reversed(list(segment("en", line))):
                start -= len(sentence)
                if _has_words(sentence):
                    return start
    return 0
