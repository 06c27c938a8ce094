"""A generation that is open: what replicas of a node share."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deployments.retriever.disk.files import Damaged, mapped
from deployments.retriever.disk.manifest import Manifest
from deployments.retriever.disk.segments.segment import Mask, Segment
from deployments.retriever.disk.words import StoredWords


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation. `dead` are for each segment the documents that counted no more when it was
    written. Safe to share between threads.
    """

    manifest: Manifest
    segments: tuple[Segment, ...]
    dead: tuple[Mask, ...]
    words: StoredWords | None

    @property
    def number(self) -> int:
        """Its number; a later generation has a higher one."""
        return self.manifest.number

    def documents(self) -> Iterator[tuple[str, str]]:
        """Yields the ids and marks of the documents that it has."""
        for segment, dead in zip(self.segments, self.dead, strict=True):
            yield from segment.documents(dead)


def open_generation(folder: Path, segments_folder: Path, manifest: Manifest) -> Generation:
    """Returns a generation, all of whose files are open: whoever removes them takes nothing away.

    Args:
        folder: Of the generation.
        segments_folder: Where the segments are, which generations share.
        manifest: What it must be.

    Raises:
        Damaged: A file is not there, or of another length or form.
    """
    segments = tuple(Segment(segments_folder / facts.name, facts) for facts in manifest.segments)
    dead = tuple(_dead(folder, manifest, segment) for segment in segments)
    words = StoredWords.open(folder / "words") if manifest.words else None
    return Generation(manifest, segments, dead, words)


def _dead(folder: Path, manifest: Manifest, segment: Segment) -> Mask:
    dead = np.zeros(segment.facts.document_count, dtype=np.bool_)
    mark = manifest.dead.get(segment.facts.name)
    if mark is not None:
        try:
            places: NDArray[np.int32] = mapped(
                folder / dead_name(segment.facts.name), "<i4", (mark.size_bytes // 4,)
            )
        except FileNotFoundError as error:
            raise Damaged(str(error)) from error
        dead[places] = True
    return dead


def dead_name(segment: str) -> str:
    """Returns the name of the file that says which documents of a segment count no more."""
    return f"dead-{segment}"
