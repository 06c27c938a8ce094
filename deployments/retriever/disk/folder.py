"""The folder of one index on one node: who may write to it, and which generation counts.

One process holds the lock and writes; the system takes the lock from a process that dies. A
generation is made beside the others and counts from the moment at which `CURRENT` names it, so
whoever is killed meanwhile leaves files that nobody reads and the next writer removes.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from deployments.retriever.disk.files import Damaged, Marks, flush_folder, mark_of, replace_text
from deployments.retriever.disk.generation import Generation, dead_name, open_generation
from deployments.retriever.disk.manifest import Manifest, manifest_text, parse_manifest

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TRIES = 5


class IndexFolder:
    """Opens and publishes generations. Every method blocks.

    Args:
        root: The folder; made where it is missing.
        identity: Of the collection that is indexed.
    """

    def __init__(self, root: Path, identity: str) -> None:
        self.root = root
        self.identity = identity
        self._lock: int | None = None

    @property
    def is_locked(self) -> bool:
        """Whether this process is the one that writes."""
        return self._lock is not None

    @property
    def segments(self) -> Path:
        """Where segments are."""
        return self.root / "segments"

    @property
    def generations(self) -> Path:
        """Where generations are, a folder for each number."""
        return self.root / "generations"

    def try_lock(self) -> bool:
        """Returns whether this process is the one that writes, from now on if nobody was."""
        if self._lock is not None and self._is_lock_there():
            return True
        self.unlock()
        # Documents are in it: it is closed to other users.
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.segments.mkdir(exist_ok=True)
        self.generations.mkdir(exist_ok=True)
        lock = os.open(self.root / "writer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return self._is_lock_there()

    def unlock(self) -> None:
        """Lets another process write."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _is_lock_there(self) -> bool:
        """Returns whether the lock is the one that others would take: folders get removed."""
        with suppress(OSError):
            there, own = os.stat(self.root / "writer.lock"), os.fstat(self._lock or -1)
            return (there.st_ino, there.st_dev) == (own.st_ino, own.st_dev)
        return False

    def current(self) -> int | None:
        """Returns the number of the generation that counts, None where there is none."""
        try:
            return int((self.root / "CURRENT").read_text())
        except (OSError, ValueError):
            return None

    def load(self) -> Generation | None:
        """Returns the generation that counts, None where there is none.

        Raises:
            Damaged: It is not what was written, or nothing of this collection or version.
            OSError: It cannot be read at this moment, which says nothing of what it is.
        """
        for _ in range(_TRIES):
            number = self.current()
            if number is None:
                return None
            try:
                return self._open(number)
            except Damaged:
                # Another one may count by now, and this one be gone.
                if self.current() == number:
                    raise
        return None

    def _open(self, number: int) -> Generation:
        folder = self.folder_of(number)
        try:
            manifest = parse_manifest(
                (folder / "manifest.json").read_text(encoding="utf-8"), identity=self.identity
            )
            generation = open_generation(folder, self.segments, manifest)
            self._verify(manifest)
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            raise Damaged(str(error)) from error
        return generation

    def folder_of(self, number: int) -> Path:
        """Returns the folder of a generation."""
        return self.generations / f"{number:08d}"

    def publish(self, made: Path, manifest: Manifest) -> None:
        """Makes a generation the one that counts.

        Args:
            made: A folder with all of its files but the manifest.
            manifest: What it is.
        """
        replace_text(made / "manifest.json", manifest_text(manifest))
        folder = self.folder_of(manifest.number)
        made.rename(folder)
        flush_folder(self.generations)
        self._mark_verified(manifest)
        replace_text(self.root / "CURRENT", str(manifest.number))

    def discard(self) -> None:
        """Has no generation count any more; whoever writes makes one anew."""
        (self.root / "CURRENT").unlink(missing_ok=True)

    def clean(self, manifest: Manifest | None) -> None:
        """Removes what no generation needs, for the process that writes. Readers keep what they
        have open.

        Args:
            manifest: Of the generation that counts, None to remove all.
        """
        segments = set() if manifest is None else {facts.name for facts in manifest.segments}
        current = None if manifest is None else self.folder_of(manifest.number).name
        for folder in self.segments.iterdir():
            if folder.name not in segments:
                shutil.rmtree(folder, ignore_errors=True)
        for folder in self.generations.iterdir():
            if folder.name != current:
                shutil.rmtree(folder, ignore_errors=True)

    def _verify(self, manifest: Manifest) -> None:
        """Holds all files against their checksums, unless somebody has since the machine started:
        what changes a file afterwards changes what the system says of it."""
        state = self._state_of(manifest)
        with suppress(OSError):
            if _boot_id() and self._verified_file(manifest).read_text() == state:
                return
        for file, mark in self._files(manifest):
            if mark_of(file) != mark:
                raise Damaged(f"{file.name} is not what was written")
        self._mark_verified(manifest)

    def _mark_verified(self, manifest: Manifest) -> None:
        with suppress(OSError):
            self._verified_file(manifest).write_text(self._state_of(manifest))

    def _verified_file(self, manifest: Manifest) -> Path:
        return self.folder_of(manifest.number) / "verified"

    def _state_of(self, manifest: Manifest) -> str:
        lines = [_boot_id()]
        for file, _ in self._files(manifest):
            state = file.stat()
            lines.append(f"{state.st_ino} {state.st_size} {state.st_mtime_ns}")
        return "\n".join(lines)

    def _files(self, manifest: Manifest) -> Iterator[tuple[Path, object]]:
        folder = self.folder_of(manifest.number)
        places: list[tuple[Path, Marks]] = [
            (self.segments / facts.name, facts.files) for facts in manifest.segments
        ]
        dead = {dead_name(name): mark for name, mark in manifest.dead.items()}
        for place, marks in (*places, (folder, dead), (folder / "words", manifest.words)):
            for name, mark in marks.items():
                yield place / name, mark


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
