"""What is left of a rate, as an answer says it, and the headers that say it.

Source: OpenAI's API reference, "Rate limits", headers; IETF draft
draft-ietf-httpapi-ratelimit-headers-09.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.limits.stores.gcra import remaining_units

_PERIOD_S = 60


@dataclass(frozen=True, slots=True)
class Quota:
    """A rate of a minute, and what is left of it.

    Attributes:
        what: What is counted.
        limit: How much there is in a minute.
        remaining: How much is left.
        reset_s: Time until all of it is there again, if nobody asks meanwhile.
    """

    what: Literal["requests", "tokens"]
    limit: int
    remaining: int
    reset_s: float

    @classmethod
    def of(cls, what: Literal["requests", "tokens"], limit: int, used_us: int) -> "Quota":
        """Returns what is left of a bucket; see `gcra.remaining_units`."""
        return cls(what, limit, remaining_units(used_us, limit), max(used_us, 0) / 1e6)


def headers_of(quotas: Iterable[Quota]) -> dict[str, str]:
    """Returns the headers of an answer: OpenAI's, and those of the IETF's draft.

    >>> headers_of([Quota("requests", 600, 599, 0.1)])["RateLimit"]
    '"requests";r=599;t=1'
    """
    found = list(quotas)
    if not found:
        return {}
    headers = {}
    for quota in found:
        headers[f"x-ratelimit-limit-{quota.what}"] = str(quota.limit)
        headers[f"x-ratelimit-remaining-{quota.what}"] = str(quota.remaining)
        headers[f"x-ratelimit-reset-{quota.what}"] = duration(quota.reset_s)
    headers["RateLimit-Policy"] = ", ".join(
        f'"{quota.what}";q={quota.limit};w={_PERIOD_S}' for quota in found
    )
    headers["RateLimit"] = ", ".join(
        f'"{quota.what}";r={quota.remaining};t={math.ceil(quota.reset_s)}' for quota in found
    )
    return headers


def duration(seconds: float) -> str:
    """Returns a time as OpenAI's headers write it.

    >>> [duration(seconds) for seconds in (0, 0.1201, 1, 60.2, 3600)]
    ['0s', '121ms', '1s', '1m1s', '1h0m0s']
    """
    if 0 < seconds < 1:
        return f"{math.ceil(seconds * 1e3)}ms"
    whole_s = math.ceil(seconds)
    hours, minutes = whole_s // 3600, whole_s // 60 % 60
    if hours:
        return f"{hours}h{minutes}m{whole_s % 60}s"
    return f"{minutes}m{whole_s % 60}s" if minutes else f"{whole_s}s"
