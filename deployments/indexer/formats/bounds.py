"""What reading one file may cost at most, asked before the work or while it goes on.

Every format reads by these numbers, so that a file of a few bytes cannot take a machine. A test
may set one lower, so they are read from the module each time.
"""

from collections.abc import Iterable

from deployments.contracts.documents import MAX_TEXT_CHARS
from deployments.contracts.errors import InvalidRequest

MAX_INFLATED_BYTES = 256 * 1024**2
"""What a compressed file may grow to: far above real documents, far below a zip bomb."""

MAX_CHARS = MAX_TEXT_CHARS
"""Characters that one document may give. Column names repeated per row make a table several times
its size, so it is asked while rows are rendered, not afterwards."""

MAX_ROWS = 1_048_576
"""Rows of a table, empty ones included: as many as Excel can have."""

MAX_COLUMNS = 16_384
"""Columns of a table: as many as Excel can have."""

MAX_CELLS = 5_000_000
"""Cells of one file's tables, those that a merged cell covers included."""

MAX_SHEET_TAGS = 16_000_000
"""Tags in the XML of one sheet, which is read row by row: some three for each cell."""

MAX_XML_ELEMENTS = 2_000_000
"""Elements of the XML of one Office file that is held in memory as a tree: some 500 MiB of it."""

MAX_PAGES = 20_000
"""Pages of one PDF, or slides of one presentation."""

MAX_NESTING = 3_000
"""Levels of elements in a web page; parsers that keep to HTML's rules are quadratic in them."""

MAX_TAG_ATTRIBUTES = 2_000
"""Attributes of one tag: finding that a name came before is quadratic in them."""

MAX_LABEL_CHARS = 200
"""A column name stands before each of its values, so an endless one must be cut."""


def join_bounded(pieces: Iterable[str], separator: str) -> str:
    """Returns the pieces joined; stops at the first that makes them too long.

    Raises:
        InvalidRequest: They have more than `MAX_CHARS` characters.
    """
    kept: list[str] = []
    char_count = 0
    for piece in pieces:
        char_count += len(piece) + len(separator)
        check_chars(char_count)
        kept.append(piece)
    return separator.join(kept)


def check_chars(count: int) -> None:
    """Raises InvalidRequest where a document has given more than `MAX_CHARS` characters."""
    if count > MAX_CHARS:
        limit = f"{MAX_CHARS:,}"
        raise InvalidRequest(f"The file gives more than {limit} characters of text. Split it.")


def check_cells(count: int) -> None:
    """Raises InvalidRequest where tables have more than `MAX_CELLS` cells."""
    if count > MAX_CELLS:
        raise InvalidRequest(f"The table has more than {MAX_CELLS:,} cells. Split it.")


def check_rows(number: int) -> None:
    """Raises InvalidRequest where a row's number, from 1, is beyond `MAX_ROWS`."""
    if number > MAX_ROWS:
        raise InvalidRequest(f"The table has more than {MAX_ROWS:,} rows. Split it.")


def check_elements(count: int) -> None:
    """Raises InvalidRequest where XML has more than `MAX_XML_ELEMENTS` elements."""
    if count > MAX_XML_ELEMENTS:
        limit = f"{MAX_XML_ELEMENTS:,}"
        raise InvalidRequest(f"The file has more than {limit} elements of XML. Split it.")


def check_sheet_tags(count: int) -> None:
    """Raises InvalidRequest where the XML of one sheet has more than `MAX_SHEET_TAGS` tags."""
    if count > MAX_SHEET_TAGS:
        limit = f"{MAX_SHEET_TAGS:,}"
        raise InvalidRequest(f"A sheet has more than {limit} tags of XML. Split it.")


def check_inflated(count: int) -> None:
    """Raises InvalidRequest where a file unpacks to more than `MAX_INFLATED_BYTES`."""
    if count > MAX_INFLATED_BYTES:
        limit_mib = MAX_INFLATED_BYTES // 1024**2
        raise InvalidRequest(f"The file unpacks to more than {limit_mib} MiB. Split it.")


def check_pages(count: int) -> None:
    """Raises InvalidRequest where a file has more than `MAX_PAGES` pages."""
    if count > MAX_PAGES:
        raise InvalidRequest(f"The file has more than {MAX_PAGES:,} pages. Split it.")
