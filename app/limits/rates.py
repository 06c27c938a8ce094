"""Rates and places of one request, and what is told to whoever is refused: pure of any store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.limits.stores.gcra import cost_us, refund_us
from app.limits.stores.operations import Decision, Lease, Move
from app.limits.subjects import Subject
from deployments.contracts.errors import LimitReached

What = Literal["requests", "tokens"]
LEASE_TTL_US = 10_000_000
"""A place of a replica that is gone is free after so long."""
RENEW_EVERY_S = 3.0


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket of a subject."""

    subject: Subject
    what: What
    limit: int

    def move(self, units: int) -> Move:
        """Returns the move for units that are taken, or given back where they are below zero."""
        delta_us = cost_us(units, self.limit) if units >= 0 else -refund_us(-units, self.limit)
        return Move(self.subject.bucket(self.what), delta_us)


def rates_of(subjects: Sequence[Subject], what: What) -> list[Rate]:
    """Returns the buckets that something is taken from.

    Raises:
        LimitReached: one of them never holds anything.
    """
    rates = []
    for subject in subjects:
        limits = subject.limits
        limit = limits.requests_per_min if what == "requests" else limits.tokens_per_min
        if limit is None:
            continue
        if limit < 1:
            raise LimitReached(f"{subject.words} may send no {what}.")
        rates.append(Rate(subject, what, limit))
    return rates


def leases_of(subjects: Sequence[Subject], member: str) -> tuple[Lease, ...]:
    """Returns the places that a request takes."""
    return tuple(
        Lease(subject.bucket("running"), member, limit, LEASE_TTL_US)
        for subject in subjects
        if (limit := subject.limits.concurrent_requests) is not None
    )


@dataclass(frozen=True, slots=True)
class Bound:
    """What refused a request: so much of something, of a subject."""

    subject: Subject
    what: What | Literal["concurrency"]
    limit: int


def refused_bound(decision: Decision, rates: Sequence[Rate], subjects: Sequence[Subject]) -> Bound:
    """Returns what refused an operation.

    Args:
        decision: Of the operation with a move for each rate, and a lease for each subject that
            bounds what is under way.
        rates: Its rates.
        subjects: Who bounds the request.
    """
    assert decision.refused_by is not None
    if decision.refused_by < len(rates):
        rate = rates[decision.refused_by]
        return Bound(rate.subject, rate.what, rate.limit)
    bounds = [
        Bound(subject, "concurrency", limit)
        for subject in subjects
        if (limit := subject.limits.concurrent_requests) is not None
    ]
    return bounds[decision.refused_by - len(rates)]


def refusal(bound: Bound, decision: Decision, units: int) -> LimitReached:
    """Returns what a request is told that asked for so many units."""
    wait_s = decision.wait_us / 1e6
    if bound.what == "concurrency":
        text = (
            f"{bound.subject.words} has {bound.limit} requests under way, which is all it may "
            "have at once"
        )
    else:
        asked = f", and this may use {units}" if bound.what == "tokens" else ""
        text = f"{bound.subject.words} may use {bound.limit} {bound.what} a minute{asked}"
    return LimitReached(f"{text}; retry in {wait_s:.1f} s.", retry_after_s=wait_s)
