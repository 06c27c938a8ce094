"""What a replica has spent of its portions and may not have told the database yet, in a file that
outlives the replica: whoever releases its portions reads it.

Only where the database is a file of this machine, so that all replicas see it. A slot of the file
is written in one piece, into the memory of the system: a killed process loses nothing, and nobody
waits for a disk.
"""

import os
from contextlib import suppress
from pathlib import Path

from deployments.budgets.contract import Amount

_SLOT_BYTES = 128
"""Of a portion; a divisor of a page, so that no write is parted."""


class Journal:
    """Notes what was spent of portions so far.

    Args:
        path: The file; it is made with its folder. Raises OSError where that cannot be.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._slots: dict[str, int] = {}
        self._free: list[int] = []

    def note(self, id: str, spent: Amount) -> None:
        """Notes all that was spent of a portion since it began; raises OSError."""
        slot = self._slots.get(id)
        if slot is None:
            slot = self._slots[id] = self._free.pop() if self._free else len(self._slots)
        line = f"{id} {spent.picousd} {spent.tokens}\n".encode().ljust(_SLOT_BYTES)
        os.pwrite(self._file, line, slot * _SLOT_BYTES)

    def drop(self, id: str) -> None:
        """Forgets a portion that has ended, and was told of."""
        if (slot := self._slots.pop(id, None)) is not None:
            self._free.append(slot)

    def close(self, *, is_told: bool) -> None:
        """Closes the file, and removes it where all of it was told."""
        os.close(self._file)
        if is_told:
            with suppress(OSError):
                self._path.unlink()


def read_journal(path: Path) -> dict[str, Amount]:
    """Returns what was spent by portion; nothing where there is no file."""
    try:
        content = path.read_bytes()
    except OSError:
        return {}
    spent = {}
    for begin in range(0, len(content), _SLOT_BYTES):
        words = content[begin : begin + _SLOT_BYTES].split()
        if len(words) == 3:
            spent[words[0].decode()] = Amount(int(words[1]), int(words[2]))
    return spent
