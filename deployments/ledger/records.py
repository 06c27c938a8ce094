"""Between activity and what rows hold."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from deployments.activity import MinuteCounts, QuerySample, ReleaseMinute, merged_timings
from deployments.ledger.tables import SampleRow
from deployments.sketch import Sketch

_LEVEL = 1
"""The fastest compression: a minute is written once a second while it lasts."""


def pack(minute: ReleaseMinute) -> bytes:
    """Returns the figures of a minute as compressed JSON."""
    content = {
        "counts": asdict(minute.counts),
        "timings": {name: sketch.to_json() for name, sketch in minute.timings.items()},
    }
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode(), _LEVEL)


def unpack(release: str, fingerprint: str, minute: int, content: bytes) -> ReleaseMinute:
    """Returns the minute that `pack` wrote."""
    stored: Mapping[str, Any] = json.loads(zlib.decompress(content))
    return ReleaseMinute(
        release,
        fingerprint,
        minute,
        MinuteCounts(**stored["counts"]),
        {name: Sketch.from_json(sketch) for name, sketch in stored["timings"].items()},
    )


def merged(first: ReleaseMinute, second: ReleaseMinute) -> ReleaseMinute:
    """Returns the sum of two parts of the same minute."""
    return ReleaseMinute(
        first.release,
        first.fingerprint,
        first.minute,
        first.counts + second.counts,
        merged_timings((first, second)),
    )


def plain(text: str) -> str:
    """Returns a text that every database takes: PostgreSQL refuses the character zero, and both
    refuse half a character."""
    return text.replace("\0", "").encode(errors="replace").decode()


def sample_values(sample: QuerySample) -> dict[str, Any]:
    """Returns the columns of a sample."""
    values = {name: getattr(sample, name) for name in QuerySample.__dataclass_fields__}
    return {**values, "release": plain(sample.release)}


def sample_of(row: SampleRow) -> QuerySample:
    """Returns the sample that a row holds."""
    return QuerySample(**{name: getattr(row, name) for name in QuerySample.__dataclass_fields__})
