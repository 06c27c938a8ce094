"""A report that can never be kept is refused as such, whole, and those after it are kept."""

from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import update

from deployments.activity import ActivityReport, Usage, UsageQuery
from deployments.contracts.errors import InvalidRequest, StageFailed, Unavailable
from deployments.ledger.store import Ledger
from deployments.ledger.tables import MinuteRow
from tests.activity_reports import KEY, make_minute, make_report, make_sample

ALL = UsageQuery("2026-01-01", "2026-12-31")
NOTHING = cast(Any, None)


@pytest.mark.parametrize(
    "report",
    [
        make_report(2, samples=[replace(make_sample(1.0), dimension=NOTHING)]),
        make_report(2, samples=[replace(make_sample(1.0), vector=cast(bytes, object()))]),
        make_report(2, usage={KEY: Usage(requests=2**63)}),
        make_report(2, usage={replace(KEY, day=NOTHING): Usage(requests=1)}),
        make_report(2, minutes=[replace(make_minute(2**63), fingerprint="f1")]),
        make_report(2, minutes=[replace(make_minute(5), counts=NOTHING)]),
    ],
    ids=["constraint", "type", "too large", "no text", "minute too large", "unreadable"],
)
def test_it_is_refused_and_the_next_is_kept(ledger: Ledger, report: ActivityReport) -> None:
    assert ledger.take(make_report(1), now_s=1.0)
    for _ in range(2):
        with pytest.raises(InvalidRequest, match="cannot keep") as caught:
            ledger.take(report, now_s=2.0)
    assert caught.value.__cause__ is None, "it crosses a process, and its causes do not"
    assert ledger.take(make_report(3), now_s=3.0)
    (row,) = ledger.usage(ALL)
    assert row.usage.requests == 2


def test_a_minute_that_cannot_be_read_holds_up_itself_alone(ledger: Ledger) -> None:
    assert ledger.take(make_report(1, minutes=[make_minute(5)]), now_s=1.0)
    with ledger._writing() as session:
        session.execute(update(MinuteRow).values(content=b"damaged"))
    with pytest.raises(InvalidRequest):
        ledger.take(make_report(2, minutes=[make_minute(5)]), now_s=2.0)
    assert ledger.take(make_report(3, minutes=[make_minute(6)]), now_s=3.0)


def test_a_database_that_may_recover_refuses_nothing_for_good(ledger: Ledger) -> None:
    """Tables that are missing, or a right: somebody sees to it, and the report is kept then."""
    with ledger._writing() as session:
        session.connection().exec_driver_sql("ALTER TABLE usage RENAME TO away")
    with pytest.raises(Unavailable):
        ledger.take(make_report(1), now_s=1.0)
    with ledger._writing() as session:
        session.connection().exec_driver_sql("ALTER TABLE away RENAME TO usage")
        session.connection().exec_driver_sql("ALTER TABLE usage RENAME COLUMN failed TO broken")
    with pytest.raises((StageFailed, Unavailable)):
        ledger.take(make_report(1), now_s=1.0)
    with ledger._writing() as session:
        session.connection().exec_driver_sql("ALTER TABLE usage RENAME COLUMN broken TO failed")
    assert ledger.take(make_report(1), now_s=1.0)
