"""A table as records: a paragraph per row, each value on a line after its column's name.

The names are repeated because a table is cut into chunks, and a row alone cannot be understood.
Decided here is which row holds the names: above it may stand titles, dates and notes, and below
an empty row the names of another table.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise

from deployments.indexer.formats import bounds

Row = Mapping[int, str]
"""The filled cells of a row by the number of their column, from 0, in order."""


class SectionTitle(dict[int, str]):
    """A row that one cell covers, such as the title of a section of the table."""


_SAMPLE_ROWS = 100
_MAX_TITLE_ROWS = 30
_PLAIN_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")
_DIGITS = re.compile(r"\d+")
_NUMBER_OR_DATE = re.compile(
    r"[-+(]?[\s$€£¥]*\d[\d.,' ]*\s*[%€$£)]?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d.*)?|\d+:\d\d.*"
)


def render_records(rows: Iterable[Row]) -> str:
    """Returns a table as records; rows above the one with the names come first, as they stand.

    Empty cells, rows and columns leave nothing.

    Raises:
        InvalidRequest: There are more characters than one document may have.
    """
    rows = iter(rows)
    head = list(islice(rows, _SAMPLE_ROWS))
    at = first = find_header(head)
    names = _names(head[at]) if head else {}
    below = head[at + 1] if len(head) > at + 2 else {}
    if _is_record(names, head[at + 1 :]):
        names, at = {}, at - 1
    elif _goes_on(groups := _spread(names, below), below):
        names = _names({**groups, **{n: _joined(groups.get(n), below[n]) for n in below}})
        at += 1
    titles = [_as_title(row) for row in head[:first] if row]
    records = _records(chain(head[at + 1 :], rows), names)
    text = bounds.join_bounded(chain(titles, records), "\n\n")
    return text or ", ".join(names.values())


def _records(rows: Iterable[Row], names: Row) -> Iterator[str]:
    """Yields the rows under their names; behind an empty row another table may begin."""
    rows = iter(rows)
    held: list[Row] = []  # the row that was looked at ahead
    follows_gap = is_title = False
    while (row := held.pop() if held else next(rows, None)) is not None:
        if not row:
            follows_gap = True
        elif not follows_gap and not is_title:
            yield _record(row, names)
        else:
            following = next(rows, {})
            held.append(following)
            if _names_columns(row, following):
                names, is_title = _names(row), False
            else:
                is_title = follows_gap and len(row) == 1 and len(names) > 2 and len(following) > 1
                yield _as_title(row) if is_title else _record(row, names)
            follows_gap = False


def _is_record(row: Row, below: Sequence[Row]) -> bool:
    """Returns whether what stands where names are expected is a record like those below it: numbers
    and dates written as theirs are. Years, doses and counted columns name what is below them."""
    values = {n: cell for n, cell in row.items() if _NUMBER_OR_DATE.fullmatch(cell)}
    filled = [other for other in below if other and not isinstance(other, SectionTitle)]
    if not values or not filled or _is_scale(list(values.values())):
        return False
    for column in {column for other in filled for column in other}:
        cells = [other[column] for other in filled if column in other]
        shapes = Counter(_DIGITS.sub("0", cell) for cell in cells)
        are_values = sum(map(bool, map(_NUMBER_OR_DATE.fullmatch, cells))) * 2 > len(cells)
        if are_values and column in row and column not in values:
            return False  # words above numbers
        if column in values and shapes[_DIGITS.sub("0", values[column])] * 2 <= len(cells):
            return False
    return True


def _is_scale(cells: Sequence[str]) -> bool:
    """Returns whether cells are numbers that rise, or one year."""
    if not all(map(_PLAIN_NUMBER.fullmatch, cells)):
        return False
    numbers = list(map(float, cells))
    rises = all(former < later for former, later in pairwise(numbers))
    return rises if len(numbers) > 1 else cells[0].isdecimal() and 1500 <= numbers[0] < 2200


def _spread(names: Row, below: Row) -> Row:
    """Returns the names with those of groups over all their columns, where the file has left them
    out: a name over the first of several, and under each of them a name, or a number that rises."""
    spread, group = dict(names), None
    for column in sorted({*names, *below}):
        if column in names:
            group = names[column] if column in below else None
        elif group is not None:
            spread[column] = group
    added = spread.keys() - names.keys()
    are_names = all(
        _may_be_names([below[column] for column in sorted(below) if spread.get(column) == group])
        for group in {spread[column] for column in added}
    )
    return dict(sorted(spread.items())) if added and are_names else names


def _may_be_names(cells: Sequence[str]) -> bool:
    is_distinct = len(set(cells)) == len(cells)
    return is_distinct and (not any(map(_NUMBER_OR_DATE.fullmatch, cells)) or _is_scale(cells))


def _goes_on(names: Row, below: Row) -> bool:
    """Returns whether the names go on in the next row: what stands over several columns there has
    a name for each, and what stands over one is repeated or left out."""
    counts = Counter(names.values())
    shared = {column for column in below if counts[names.get(column, "")] > 1}
    others = below.keys() - shared
    is_group = 0 < len(shared) < len(names)
    return is_group and all(names.get(column) == below[column] for column in others)


def _joined(above: str | None, below: str) -> str:
    return below if above in (None, below) else f"{above} {below}"


def _names(row: Row) -> Row:
    return {column: text[: bounds.MAX_LABEL_CHARS] for column, text in row.items()}


def _names_columns(row: Row, following: Row) -> bool:
    """Returns whether a row names the columns of the next one: words above numbers."""
    is_words = len(row) > 1 and not any(map(_NUMBER_OR_DATE.fullmatch, row.values()))
    has_values = any(map(_NUMBER_OR_DATE.fullmatch, following.values()))
    return is_words and has_values and following.keys() <= row.keys()


def find_header(rows: list[Row]) -> int:
    """Returns which of the first rows names the columns: the first that is as wide as the table.

    A title, or a date with its label, is shorter than the rows below it; so is what an empty row
    parts from them. Where no row is left to be named, the first one counts.
    """
    filled = [index for index, row in enumerate(rows) if row]
    widths = Counter(_width(rows[index]) for index in filled)
    usual = max(widths, key=lambda width: (widths[width], width), default=0)
    wide = next((index for index in filled if _width(rows[index]) >= usual), 0)
    last_gap = next((index for index in range(wide, -1, -1) if not rows[index]), -1) if rows else -1
    for index in filled[:_MAX_TITLE_ROWS]:
        if index > last_gap and not _is_title(rows[index], usual):
            return index if index < filled[-1] else filled[0]
    return filled[0] if filled else 0


def _width(row: Row) -> int:
    return 1 if isinstance(row, SectionTitle) else len(row)


def _is_title(row: Row, usual: int) -> bool:
    width = _width(row)
    if usual < 2 or width >= usual:
        return False
    cells = list(row.values())
    is_labelled = cells[0].endswith(":") or cells[0].startswith(("# ", "#!", "//"))
    has_values = any(_NUMBER_OR_DATE.fullmatch(cell) for cell in cells[1:])
    return width == 1 or width * 2 <= usual or is_labelled or has_values


def _as_title(row: Row) -> str:
    return " ".join(dict.fromkeys(row.values()))


def _record(row: Row, names: Row) -> str:
    if isinstance(row, SectionTitle):
        return _as_title(row)
    return "\n".join(
        [f"{names.get(column) or f'column {column + 1}'}: {value}" for column, value in row.items()]
    )
