"""Which write of a document counts: the one with the highest id among those that were finished.

Chroma has no transactions and cannot compare and swap. So nothing that one write stored is ever
changed by another: every write names its rows after itself, its record comes last, and a reader
takes the record with the highest write id and the rows that carry the same one. A deletion is a
write of nothing. What a write below the highest left is garbage from the moment the highest is
there, whoever is still working on it, so that anybody may remove it.

An id is above those of all writes that had finished when its own write began, also where clocks
disagree; of two writes at the same time either may win.

Source: Lamport, Time, Clocks, and the Ordering of Events in a Distributed System, Communications of
the ACM 21, 1978; Reed, Naming and Synchronization in a Decentralized Computer System, MIT, 1978,
for the versions.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from deployments.contracts.documents import DocumentRecord
from deployments.contracts.tenants import Access
from deployments.retriever.tenancy.names import is_in_reach

_TIME_DIGITS = 16
_ROW = re.compile(r"(?s)(.*)@([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Version:
    """The record of one write of a document.

    `write_id` is empty for what was written before writes had ids. `is_announced` says that every
    replica knows of it; before that, nobody may take the document for finished.
    """

    record: DocumentRecord
    write_id: str
    is_deletion: bool = False
    is_announced: bool = False

    @property
    def mark(self) -> str:
        """Differs from every other version's; empty where the version itself may change."""
        return self.write_id or self.record.fingerprint

    def is_in_reach(self, access: Access) -> bool:
        """Returns whether somebody may see the document."""
        return is_in_reach(access, self.record.id, self.record.acl)

    def known(self) -> DocumentRecord:
        """Returns the record, without its fingerprint where the document has to be written again:
        its write was cut off, or is too old to tell whose chunks these are."""
        if self.is_announced and self.write_id:
            return self.record
        return replace(self.record, fingerprint="")


def new_write_id(finished: Iterable[Version], *, now_ns: Callable[[], int] = time.time_ns) -> str:
    """Returns an id for a write that begins now: 32 hexadecimal digits, above those of `finished`,
    the first half a time in nanoseconds."""
    highest = max((version.write_id for version in finished), default="")
    above_ns = int(highest[:_TIME_DIGITS], 16) + 1 if highest else 0
    return f"{max(now_ns(), above_ns):0{_TIME_DIGITS}x}{secrets.token_hex(8)}"


def row_id(name: str, write_id: str) -> str:
    """Returns the id of the row under which a write keeps the chunk or the document `name`."""
    return f"{name}@{write_id}" if write_id else name


def parse_row_id(row: str) -> tuple[str, str]:
    """Returns what a row keeps and the id of its write, which is empty for old rows."""
    parsed = _ROW.fullmatch(row)
    return (parsed[1], parsed[2]) if parsed else (row, "")


def latest(versions: Iterable[Version]) -> dict[str, Version]:
    """Returns the version that counts of each document, deletions included."""
    newest: dict[str, Version] = {}
    for version in versions:
        rival = newest.get(version.record.id)
        if rival is None or version.write_id > rival.write_id:
            newest[version.record.id] = version
    return newest
