"""The sources of an answer as they may be shown: what the model may not say must not come out
through what it has read."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import overload

from app.moderation.policies import CompiledPolicy, TextCheck
from app.request.attempt import AttemptRecord
from app.request.decision import DEGRADED, Action
from app.request.notes import RequestNotes
from deployments.contracts.documents import Chunk
from deployments.contracts.search import ScoredChunk
from deployments.redaction.placeholders import Numbering

_EMPTY = ""


class CheckedSources(Sequence[ScoredChunk]):
    """A view of sources, which may grow; each is checked once, when it is first looked at.

    Of one that a policy blocks, the number, the ids and the scores stay, so that citations keep
    their meaning; its texts and names are empty.

    Args:
        sources: As they were found.
        check: What is looked for.
        numbering: Names what is replaced, as in the answer.
    """

    def __init__(
        self, sources: Sequence[ScoredChunk], check: TextCheck, numbering: Numbering
    ) -> None:
        self.categories: set[str] = set()
        """Of all sources that were checked."""
        self._sources = sources
        self._check = check
        self._numbering = numbering
        self._checked: dict[str, ScoredChunk] = {}
        self.texts: list[str] = []
        """Of those that were checked, as they were found."""

    def __len__(self) -> int:
        return len(self._sources)

    @overload
    def __getitem__(self, place: int) -> ScoredChunk: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[ScoredChunk]: ...

    def __getitem__(self, place: int | slice) -> ScoredChunk | Sequence[ScoredChunk]:
        if isinstance(place, slice):
            return [self._of(hit) for hit in self._sources[place]]
        return self._of(self._sources[place])

    def __iter__(self) -> Iterator[ScoredChunk]:
        return map(self._of, self._sources)

    def note_findings(
        self, policy: CompiledPolicy, notes: RequestNotes, record: AttemptRecord
    ) -> None:
        """Tells what was found in the sources that were checked, and where that is left out."""
        if not self.categories:
            return
        is_blocking = policy.output_settings.action == "block"
        action: Action = "omit" if is_blocking else "flag"
        notes.moderation.append(policy.decision("sources", action, self.categories))
        if is_blocking:
            record.lacks(DEGRADED)

    def check_all(self) -> None:
        """Checks those that nobody has looked at."""
        for hit in self._sources:
            self._of(hit)

    def _of(self, hit: ScoredChunk) -> ScoredChunk:
        known = self._checked.get(hit.chunk.id)
        if known is None:
            known = self._checked[hit.chunk.id] = self._look(hit)
            self.texts += _texts(hit.chunk)
        return known if known.rank == hit.rank else replace(known, rank=hit.rank)

    def _look(self, hit: ScoredChunk) -> ScoredChunk:
        if self._check.settings.action == "flag" and self._check.settings.personal_data != "redact":
            self.categories |= self._check.of_whole(_texts(hit.chunk)).categories
            return hit
        checked = self._check.of_whole(_texts(hit.chunk), self._numbering)
        self.categories |= checked.categories
        if checked.categories and self._check.settings.action == "block":
            return replace(hit, chunk=_filled(hit.chunk, [_EMPTY] * len(checked.texts)))
        return replace(hit, chunk=_filled(hit.chunk, checked.texts)) if checked.is_redacted else hit


def _texts(chunk: Chunk) -> list[str]:
    """Returns all that a client is shown of a chunk."""
    values = [value for value in chunk.metadata.values() if isinstance(value, str)]
    return [chunk.text, chunk.title, chunk.heading, chunk.path, *values]


def _filled(chunk: Chunk, texts: Sequence[str]) -> Chunk:
    """Returns the chunk with other texts, in the order of `_texts`."""
    text, title, heading, path, *values = texts
    rest = iter(values)
    metadata = {
        name: next(rest) if isinstance(value, str) else value
        for name, value in chunk.metadata.items()
    }
    return replace(chunk, text=text, title=title, heading=heading, path=path, metadata=metadata)
