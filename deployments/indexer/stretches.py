"""Parts of a Markdown text that say nothing without their beginning: code without its fence, rows
without their header, items without the sentence that leads into them.

Where a chunk begins inside one, the beginning is repeated there; where it ends inside code, the
code is closed.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deployments.contracts.fences import CONTINUED, CONTINUED_INSIDE, GOES_ON

_FENCE = re.compile(
    r"^(?P<indent> {0,12})(?P<marks>`{3,}(?=[^`\n]*$)|~{3,})(?P<info>[^\n]*)$", re.M
)
_LANGUAGE = re.compile(r"[\w+#.-]{1,20}")
_RULE = re.compile(r"(?<=\n)[ \t|:-]+$", re.M)
_LEAD = re.compile(
    r"^(?:(?P<lead>(?![-*+][ \t]|\d{1,9}[.)][ \t])\S[^\n]*[:：])[ \t]*\n(?:[ \t]*\n)?)?"
    r"(?=[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t])",
    re.M,
)
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]|[ \t]+\S")
_LINE = re.compile(r"[^\n]*\n?")


@dataclass(frozen=True, slots=True)
class Stretch:
    """The characters `start:end` of a text, which `prefix` leads into and `suffix` closes.

    `drop_until` is behind the line that closes it in the text, 0 where there is none: a chunk that
    would begin with that line does without.
    """

    start: int
    end: int
    prefix: str
    suffix: str = ""
    drop_until: int = 0

    def prefix_at(self, position: int, *, is_line_start: bool) -> str:
        """Returns what leads into the rest of the stretch from a place on."""
        if position == self.start and self.suffix:
            opening = self.prefix.removesuffix(f"{CONTINUED}\n").rstrip(" ")
            return f"{opening}\n"
        if is_line_start or position == self.start:
            return self.prefix
        if self.suffix:
            return self.prefix.replace(f"{CONTINUED}\n", f"{CONTINUED_INSIDE}\n")
        is_list = self.prefix.count("\n") < 2
        return f"{self.prefix}{'- ' if is_list else ''}{GOES_ON}"


def find_stretches(text: str) -> list[Stretch]:
    """Returns the stretches of a text in order; none overlaps another."""
    found = list(_fences(text))
    taken = [(stretch.start, stretch.end) for stretch in found]
    for others in (_tables(text), _lists(text)):
        found += [one for one in others if not _overlaps(taken, one)]
        found.sort(key=lambda one: one.start)
        taken = [(stretch.start, stretch.end) for stretch in found]
    return found


class Stretches:
    """The stretches of one text, by place."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        self._stretches = stretches
        self._starts = [stretch.start for stretch in stretches]

    def __iter__(self) -> Iterator[Stretch]:
        return iter(self._stretches)

    def at(self, position: int) -> Stretch | None:
        """Returns the stretch that a place is inside of."""
        index = bisect_right(self._starts, position) - 1
        if index < 0 or position > self._stretches[index].end:
            return None
        return self._stretches[index]


def _fences(text: str) -> Iterator[Stretch]:
    position = 0
    while opening := _FENCE.search(text, position):
        marks = opening["marks"]
        closing = re.compile(rf"^ {{0,12}}{re.escape(marks[0])}{{{len(marks)},}}[ \t]*$", re.M)
        end = closing.search(text, opening.end())
        language = _LANGUAGE.search(opening["info"])
        info = f"{language.group()} {CONTINUED}" if language else CONTINUED
        yield Stretch(
            start=min(opening.end() + 1, len(text)),
            end=end.start() if end else len(text),
            prefix=f"{opening['indent']}{marks}{info}\n",
            suffix=f"\n{opening['indent']}{marks}",
            drop_until=end.end() if end else 0,
        )
        position = end.end() if end else len(text)


def _tables(text: str) -> Iterator[Stretch]:
    end = 0
    for match in _RULE.finditer(text):
        if match.start() < end:
            continue
        rule = match.group()
        header = text[text.rfind("\n", 0, match.start() - 1) + 1 : match.start() - 1]
        if "|" not in rule or "-" not in rule or "|" not in header:
            continue
        start = end = min(match.end() + 1, len(text))
        while end < len(text):
            line = _LINE.match(text, end)
            if line is None or "|" not in line.group():
                break
            end = line.end()
        if end > start:
            yield Stretch(start, end - 1, f"{header}\n{rule}\n")


def _lists(text: str) -> Iterator[Stretch]:
    position = 0
    while match := _LEAD.search(text, position):
        end = match.end()
        while end < len(text):
            line = _LINE.match(text, end)
            if line is None or not (_ITEM.match(line.group()) or not line.group().strip()):
                break
            end = line.end()
        if end == match.end():
            break
        yield Stretch(match.end(), end - 1, f"{match['lead']}\n" if match["lead"] else "")
        position = end


def _overlaps(taken: Sequence[tuple[int, int]], stretch: Stretch) -> bool:
    index = bisect_right(taken, (stretch.start, stretch.end))
    around = taken[max(index - 1, 0) : index + 1]
    return any(start <= stretch.end and stretch.start <= end for start, end in around)
