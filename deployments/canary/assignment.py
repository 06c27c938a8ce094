"""Which release serves a request."""

from collections.abc import Mapping
from hashlib import blake2b


def assign_release(traffic: Mapping[str, float], *, sticky_key: str, salt: str = "") -> str:
    """Returns the release for a key: the same key gets the same release as long as the weights
    stay.

    Releases share the interval [0, 1) in the order of their names, each as wide as its share of all
    weights, and the key's hash is a point in it.

    Args:
        traffic: Weight per release, not negative, at least one above zero.
        sticky_key: What a caller keeps between requests.
        salt: Changes who gets what; one per rollout.

    >>> assign_release({"a": 1.0}, sticky_key="anyone")
    'a'
    """
    digest = blake2b(f"{salt}\0{sticky_key}".encode(), digest_size=8).digest()
    point = int.from_bytes(digest) / 2**64 * sum(traffic.values())
    names = sorted(name for name, weight in traffic.items() if weight > 0)
    edge = 0.0
    for name in names:
        edge += traffic[name]
        if point < edge:
            return name
    return names[-1]
