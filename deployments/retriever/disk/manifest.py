"""What a generation of the index consists of, and which state of the store it is."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from deployments.contracts.tenants import Acl
from deployments.retriever.disk.files import Damaged, FileMark, Marks

FORMAT = 2
"""Of all files, and of what counts as a word in them. Another number is built anew."""

Seen = Mapping[str, int]
"""Changes of each writer of the store that are in an index; see `change_log`."""


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """A segment: its name, its counts, who owns its rows, and its files.

    `partitions` are the tenants with those who may read; `partition_rows` counts the rows of each.
    """

    name: str
    row_count: int
    document_count: int
    field_count: int
    heading_count: int
    dimension: int
    partitions: tuple[tuple[str, Acl], ...]
    partition_rows: tuple[int, ...]
    files: Marks


@dataclass(frozen=True, slots=True)
class Manifest:
    """One generation.

    `identity` says of which collection; `is_complete` whether it is a whole state of the store,
    which is then the one that has the changes in `seen`. `torn` are documents that the store did
    not have whole; `states` are the sums behind the states of tenants. `dead` are the documents of
    a segment that count no more, by segment, as places. `words` are the files of the index of
    words.
    """

    identity: str
    number: int
    is_complete: bool
    seen: Seen
    next_number: int
    segments: tuple[SegmentFacts, ...]
    dead: Mapping[str, FileMark]
    words: Marks
    torn: tuple[str, ...] = ()
    states: Mapping[str, tuple[str, int]] = field(default_factory=dict)


def manifest_text(manifest: Manifest) -> str:
    """Returns a manifest as a text that says its own checksum."""
    content = {"format": FORMAT, **asdict(manifest)}
    content["segments"] = [_plain(facts) for facts in manifest.segments]
    text = json.dumps(content)
    return f"{zlib.crc32(text.encode()):08x}\n{text}"


def parse_manifest(text: str, *, identity: str) -> Manifest:
    """Returns the manifest that a text is.

    Raises:
        Damaged: It is none, or one of another version of the service or of another collection.
    """
    checksum, _, content = text.partition("\n")
    if checksum != f"{zlib.crc32(content.encode()):08x}":
        raise Damaged("the manifest is not what was written")
    fields: dict[str, Any] = json.loads(content)
    if fields.pop("format") != FORMAT:
        raise Damaged("the files are of another version of the service")
    if fields["identity"] != identity:
        raise Damaged("the files are of another collection")
    return Manifest(
        **{
            **fields,
            "segments": tuple(_facts(facts) for facts in fields["segments"]),
            "dead": _marks(fields["dead"]),
            "words": _marks(fields["words"]),
            "torn": tuple(fields["torn"]),
            "states": {tenant: (text, count) for tenant, (text, count) in fields["states"].items()},
        }
    )


def _plain(facts: SegmentFacts) -> dict[str, Any]:
    fields = asdict(facts)
    fields["partitions"] = [
        [tenant, None if acl is None else sorted(acl)] for tenant, acl in facts.partitions
    ]
    return fields


def _facts(fields: Mapping[str, Any]) -> SegmentFacts:
    partitions = tuple(
        (tenant, None if acl is None else frozenset(acl)) for tenant, acl in fields["partitions"]
    )
    return SegmentFacts(
        **{
            **fields,
            "partitions": partitions,
            "partition_rows": tuple(fields["partition_rows"]),
            "files": _marks(fields["files"]),
        }
    )


def _marks(fields: Mapping[str, Any]) -> dict[str, FileMark]:
    return {name: FileMark(*mark) for name, mark in fields.items()}
