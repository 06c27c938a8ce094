"""Reads CSV and TSV: which sign separates the cells, what its quotes mean, and where it begins.

TSV has no quoting: a quote at a cell's start is an inch as often as not. What spreadsheets quote
there all the same, a cell with a quote at both ends and no tab between, is read without them.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from deployments.contracts.documents import Part
from deployments.indexer.formats import bounds
from deployments.indexer.formats.converted import Converted
from deployments.indexer.formats.tables.records import Row, render_records
from deployments.indexer.formats.text.encodings import decode_text

_DELIMITERS = ",;\t|"
_SEPARATOR_LINE = re.compile(r"\"?sep=([^\r\n])\"?[,;\t ]*(?:\r\n?|\n|\Z)", re.I)
_QUOTED = re.compile(r'"[^"]*"')
_QUOTED_IN_TSV = re.compile(r'(?:(?<=[\t\n])|\A)"((?:[^"\t]|"")*+)"(?=[\t\r\n]|\Z)')
_SAMPLE_CHARS = 20_000
_SAMPLE_LINES = 50


def read_csv(content: bytes) -> Converted:
    """Reads a table whose cells are separated by commas, semicolons, tabs or bars."""
    decoded = decode_text(content)
    text, delimiter = _separator(decoded.text)
    if delimiter == "\t":
        return _converted(_bounded(_split_lines(text, "\t")), decoded.warnings)
    rows, warnings = _parse(text, delimiter or ",")
    return _converted(rows, (*decoded.warnings, *warnings))


def read_tsv(content: bytes) -> Converted:
    """Reads a table whose cells are separated by tabs, or as CSV where it has none."""
    decoded = decode_text(content)
    if "\t" not in decoded.text:
        return read_csv(content)
    match = _SEPARATOR_LINE.match(decoded.text)
    text = decoded.text[match.end() :] if match else decoded.text
    return _converted(_bounded(_split_lines(text, "\t")), decoded.warnings)


def _converted(rows: Iterable[list[str]], warnings: tuple[str, ...]) -> Converted:
    return Converted((Part(render_records(map(_filled, rows))),), warnings=warnings)


def _filled(row: list[str]) -> Row:
    """Returns the cells that say something, each on one line."""
    return {column: value for column, cell in enumerate(row) if (value := " ".join(cell.split()))}


def _separator(text: str) -> tuple[str, str]:
    """Returns the text without a line that names its separator, and the separator.

    Without such a line it is the sign that most lines have equally often.
    """
    named = _SEPARATOR_LINE.match(text)
    if named:
        return text[named.end() :], named[1]
    sample = _QUOTED.sub("", text[:_SAMPLE_CHARS])
    lines = [line for line in sample.splitlines()[:_SAMPLE_LINES] if line.strip()]

    def agreement(delimiter: str) -> tuple[int, int]:
        counts = Counter(count for line in lines if (count := line.count(delimiter)))
        common, found = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return found, common

    best = max(_DELIMITERS, key=agreement)
    return text, best if agreement(best)[0] else ""


def _parse(text: str, delimiter: str) -> tuple[list[list[str]], tuple[str, ...]]:
    """Returns the rows of a text with quotes; as text where they would swallow rows.

    A quote that is never closed, or is closed within other text some lines on, was meant as a sign.
    """
    csv.field_size_limit(bounds.MAX_CHARS)
    quote = _quote(text, delimiter)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
    rows = list(_bounded(reader))
    if len(rows) < reader.line_num and not _is_strict(text, delimiter, quote):
        warning = "Quotes in the table do not match: they were read as text."
        return list(_bounded(_split_lines(text, delimiter, quotes=False))), (warning,)
    return rows, ()


def _quote(text: str, delimiter: str) -> str:
    """Returns the sign that quotes cells: an apostrophe where several cells begin with one and all
    of them end with one, and none has the usual sign. Excel's `'0123` begins with one only."""
    sample = text[:_SAMPLE_CHARS]
    begin = rf"(?:^|{re.escape(delimiter)})'"
    whole = rf"{begin}(?:[^'\n]|'')*+'(?={re.escape(delimiter)}|\r?$)"
    begun, ended = (len(re.findall(cells, sample, re.M)) for cells in (begin, whole))
    return "'" if '"' not in sample and begun == ended > 1 else '"'


def _bounded(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    cell_count = 0
    for number, row in enumerate(rows, start=1):
        cell_count += len(row)
        bounds.check_cells(cell_count)
        bounds.check_rows(number)
        yield row


def _is_strict(text: str, delimiter: str, quote: str) -> bool:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, strict=True
    )
    try:
        for _ in reader:
            pass
    except csv.Error:
        return False
    return True


def _split_lines(text: str, delimiter: str, *, quotes: bool = True) -> Iterator[list[str]]:
    """Yields the cells of each line; in TSV, a cell that is quoted as a whole loses its quotes."""
    if quotes and '"' in text:
        text = _QUOTED_IN_TSV.sub(_unquoted, text)
    for line in re.split(r"\r\n?|\n", text):
        yield line.split(delimiter)


def _unquoted(match: re.Match[str]) -> str:
    return match[1].replace('""', '"').replace("\r", " ").replace("\n", " ")
