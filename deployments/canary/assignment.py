"""Which release serves a request: a pure function of the weights and of what the caller keeps."""

import math
from collections.abc import Mapping
from hashlib import blake2b

from deployments.canary.evidence import Arm
from deployments.canary.rollout import Shares


def assign_release(traffic: Mapping[str, float], *, sticky_key: str) -> str:
    """Returns the release for a key: the same key gets the same release as long as the weights
    stay.

    Every release draws a number for the key, weighted, and the smallest one wins. So a rising
    weight takes callers from the other releases and moves nobody between these, however many
    releases there are.

    Args:
        traffic: Weight per release, not negative, at least one above zero.
        sticky_key: What a caller keeps between requests.

    Source: weighted rendezvous hashing, with exponential draws: Schindelhauer and Schomaker,
    Weighted Distributed Hash Tables, SPAA 2005.

    >>> assign_release({"a": 1.0}, sticky_key="anyone")
    'a'
    """
    weighted = sorted(name for name, weight in traffic.items() if weight > 0)
    if len(weighted) == 1:
        return weighted[0]
    return min(weighted, key=lambda name: -math.log(_point(name, sticky_key)) / traffic[name])


def assign_arm(shares: Shares, *, salt: str, sticky_key: str) -> Arm | None:
    """Returns the arm of a rollout that a caller belongs to, None for those outside.

    The canary grows from one end of [0, 1) and the baseline from the other, so a caller whose arm
    is the canary stays there while its share rises. Where requests are repeated on a canary that
    answers nobody, `canary` are those whose requests are.

    Args:
        shares: Who gets what.
        salt: Deals callers anew; one per rollout.
        sticky_key: What a caller keeps between requests.
    """
    point = _point(salt, sticky_key)
    if point < max(shares.canary, shares.shadow):
        return "canary"
    return "baseline" if point >= 1.0 - shares.baseline else None


def _point(salt: str, sticky_key: str) -> float:
    """Returns a number above 0 and at most 1 that looks random and never changes."""
    digest = blake2b(f"{salt}\0{sticky_key}".encode(errors="surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest) + 1) / 2**64
