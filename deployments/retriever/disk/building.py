"""Writes the next generation: what changed since the last one, as a new segment, and merges."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deployments.retriever.disk.base import Base, SegmentState
from deployments.retriever.disk.files import FileMark, FilesWriter, Marks, flush_folder, mark_of
from deployments.retriever.disk.folder import IndexFolder
from deployments.retriever.disk.generation import dead_name
from deployments.retriever.disk.manifest import Manifest, Seen, SegmentFacts
from deployments.retriever.disk.segments.merging import is_worn, plan_merges
from deployments.retriever.disk.segments.parts import (
    Part,
    StoredDocument,
    part_of_documents,
    part_of_segment,
)
from deployments.retriever.disk.segments.writer import write_segment
from deployments.retriever.lexical.texts import LexicalIndex

_WRITER_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Changes:
    """A state of an index: the rows of a generation that still count, None where there is none, and
    the documents that came since; `seen`, `states` and `torn` as in `Manifest`, `seen` None where
    it is no whole state of the store."""

    base: Base | None
    documents: Sequence[StoredDocument]
    seen: Seen | None
    states: dict[str, tuple[str, int]]
    torn: Sequence[str]


def write_generation(folder: IndexFolder, changes: Changes) -> Manifest:
    """Writes the next generation and has it count; returns what it is. For the process that writes.

    Raises:
        OSError, ValueError: The disk is full, or cannot be written to; the former generation counts
            still.
    """
    former = None if changes.base is None else changes.base.generation.manifest
    number = max(folder.current() or 0, former.number if former else 0) + 1
    made = folder.generations / f"{number:08d}.new"
    for left in (made, folder.folder_of(number), *folder.segments.glob(f"{number:08d}-*")):
        shutil.rmtree(left, ignore_errors=True)
    made.mkdir()
    try:
        first_number = 0 if former is None else former.next_number
        segments, dead = _write_segments(folder, changes, number, first_number)
        words = _write_words(folder, changes, made, first_number)
        added = sum(len(document.rows) for document in changes.documents)
        manifest = Manifest(
            identity=folder.identity,
            number=number,
            is_complete=changes.seen is not None,
            seen=dict(changes.seen or {}),
            next_number=first_number + added,
            segments=segments,
            dead=_write_dead(made, dead),
            words=words,
            torn=tuple(sorted(changes.torn)),
            states=changes.states,
        )
        folder.publish(made, manifest)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return manifest


def _write_segments(
    folder: IndexFolder, changes: Changes, number: int, first_number: int
) -> tuple[tuple[SegmentFacts, ...], list[SegmentState]]:
    """Returns the segments of the new generation, and those of them that stay as they are."""
    states = () if changes.base is None else changes.base.states
    kept = [int(state.rows.sum()) for state in states]
    plan = plan_merges(kept, len(changes.documents) and max(1, _row_count(changes)))
    segments: list[SegmentFacts] = []
    staying: list[SegmentState] = []
    for place, group in enumerate(plan):
        if len(group) == 1 and group[0] < len(states):
            state = states[group[0]]
            if not is_worn(kept[group[0]], len(state.segment) - kept[group[0]]):
                segments.append(state.segment.facts)
                staying.append(state)
                continue
        parts = [_part(changes, states, one, first_number) for one in group]
        segments.append(write_segment(folder.segments / f"{number:08d}-{place}", parts))
    flush_folder(folder.segments)
    return tuple(facts for facts in segments if facts.document_count), staying


def _part(changes: Changes, states: Sequence[SegmentState], place: int, first_number: int) -> Part:
    if place == len(states):
        return part_of_documents(changes.documents, first_number=first_number)
    return part_of_segment(states[place].segment, states[place].dead)


def _row_count(changes: Changes) -> int:
    return sum(len(document.rows) for document in changes.documents)


def _write_dead(made: Path, staying: Sequence[SegmentState]) -> dict[str, FileMark]:
    writer = FilesWriter(made)
    dead: dict[str, FileMark] = {}
    for state in staying:
        places = np.flatnonzero(state.dead).astype("<i4")
        if len(places):
            name = state.segment.facts.name
            writer.write(dead_name(name), [places])
            dead[name] = writer.marks[dead_name(name)]
    return dead


def _write_words(
    folder: IndexFolder, changes: Changes, made: Path, first_number: int
) -> dict[str, FileMark]:
    former = None if changes.base is None else changes.base.generation.manifest
    known: Marks = {} if former is None else former.words
    work = folder.root / "words"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    if former is not None:
        for name in known:
            (work / name).hardlink_to(folder.folder_of(former.number) / "words" / name)
        # By this list tantivy knows what it may remove after a merge.
        (work / ".managed.json").write_text(json.dumps(list(known)))
    gone = [] if changes.base is None else changes.base.gone.tolist()
    if gone or _row_count(changes) or former is None:
        index = LexicalIndex(work, writer_bytes=_WRITER_BYTES)
        index.remove(gone)
        rows = (row for document in changes.documents for row in document.rows)
        for number, row in enumerate(rows, start=first_number):
            index.add(number, row.chunk().passage())
        index.commit()
        index.close()
    marks = _keep_words(work, made / "words", known)
    shutil.rmtree(work, ignore_errors=True)
    return marks


def _keep_words(work: Path, kept: Path, known: Marks) -> dict[str, FileMark]:
    """Gives the files of the last commit a second name, under which they stay."""
    kept.mkdir()
    meta = json.loads((work / "meta.json").read_text())
    segments = {segment["segment_id"].replace("-", "") for segment in meta["segments"]}
    marks: dict[str, FileMark] = {}
    for file in sorted(work.iterdir()):
        if file.name == "meta.json" or file.name.partition(".")[0] in segments:
            (kept / file.name).hardlink_to(file)
            is_known = file.name in known and file.name != "meta.json"
            marks[file.name] = known[file.name] if is_known else mark_of(file)
    flush_folder(kept)
    return marks
