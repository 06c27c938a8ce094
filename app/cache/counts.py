"""What metrics say of the response cache."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """How the cache of a replica does; counts are since its start.

    Attributes:
        is_away: Whether the store is away.
        failed_calls: Calls of the store that failed.
        read_bytes: Of answers that were found.
        written_bytes: Of answers that were kept.
    """

    is_away: bool = False
    failed_calls: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
