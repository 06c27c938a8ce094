"""What is taken is there: once, summed up, and as long as somebody needs it."""

from dataclasses import replace
from typing import Any

import pytest

from deployments.activity import Usage, UsageKey, UsageQuery
from deployments.contracts.erasure import ErasureScope, user_mark
from deployments.contracts.errors import InvalidRequest
from deployments.control.config import Retention
from deployments.ledger.retention import forget_old
from deployments.ledger.store import Ledger
from tests.activity_reports import KEY, VECTORS, make_minute, make_report, make_sample, make_sketch

ALL = UsageQuery("2026-01-01", "2026-12-31")
ONE = Usage(requests=1, prompt_tokens=10, cost_picousd=7)
DAY_S = 86_400.0


def total(ledger: Ledger) -> Usage:
    return sum((row.usage for row in ledger.usage(ALL)), Usage())


def settled(ledger: Ledger, *, before: int = 10**6, quiet_since_s: float = 1e12) -> list[int]:
    kept = ledger.unrecorded(before=before, quiet_since_s=quiet_since_s, limit=100)
    return [one.minute.minute for one in kept]


def test_the_same_report_counts_once(ledger: Ledger) -> None:
    report = make_report(1, minutes=[make_minute(5)], samples=[make_sample(300.0)])
    assert ledger.take(report, now_s=300.0)
    assert not ledger.take(report, now_s=301.0)
    assert total(ledger) == ONE
    (kept,) = ledger.unrecorded(before=6, quiet_since_s=300.0, limit=9)
    assert kept.minute == make_minute(5)
    assert len(ledger.samples("a", since_s=0, until_s=1e9, limit=9)) == 1
    assert ledger.take(make_report(2), now_s=302.0)
    assert not ledger.take(make_report(1), now_s=303.0), "an old one that was late"
    assert ledger.take(make_report(1, "two"), now_s=303.0)
    assert total(ledger) == ONE + ONE + ONE


def test_usage_is_grouped_filtered_and_ordered(ledger: Ledger) -> None:
    keys = {
        UsageKey(day, key, release, model, "v1"): Usage(requests=1, cost_picousd=number)
        for number, (day, key, release, model) in enumerate(
            [
                ("2026-11-01", "k1", "a", "big"),
                ("2026-11-01", "k2", "b", "big"),
                ("2026-11-02", "k1", "b", ""),
                ("2026-11-03", "", "a", "big"),
            ],
            1,
        )
    }
    ledger.take(make_report(1, usage=keys), now_s=0.0)
    query = UsageQuery("2026-11-01", "2026-11-02", by=("release", "day"))
    rows = ledger.usage(query)
    assert [(row.group, row.usage.cost_picousd) for row in rows] == [
        ({"release": "a", "day": "2026-11-01"}, 1),
        ({"release": "b", "day": "2026-11-01"}, 2),
        ({"release": "b", "day": "2026-11-02"}, 3),
    ]
    assert list(rows[0].group) == ["release", "day"]
    (row,) = ledger.usage(replace(query, by=(), key_id="k1"))
    assert (row.group, row.usage.requests, row.usage.cost_picousd) == ({}, 2, 4)
    (row,) = ledger.usage(replace(query, by=("key",), model="", to_day="2026-12-01"))
    assert (row.group, row.usage.cost_picousd) == ({"key": "k1"}, 3)
    assert ledger.usage(replace(query, release="none")) == []
    assert ledger.usage(replace(query, by=(), key_id="none")) == []
    with pytest.raises(InvalidRequest, match="more than 2 rows"):
        ledger.usage(replace(query, limit=2))
    assert len(ledger.usage(replace(query, limit=3))) == 3


def test_costs_beyond_64_bits_stay_exact(ledger: Ledger) -> None:
    cost = 2**63 - 1
    usage = {replace(KEY, day=f"2026-11-{day}"): Usage(cost_picousd=cost) for day in (10, 11, 12)}
    ledger.take(make_report(1, usage=usage), now_s=0.0)
    assert total(ledger).cost_picousd == 3 * cost


def test_names_that_databases_refuse_are_taken(ledger: Ledger) -> None:
    usage = {replace(KEY, model=model): ONE for model in ("x\0y", "xy", "half \ud800")}
    ledger.take(make_report(1, usage=usage), now_s=0.0)
    rows = ledger.usage(replace(ALL, by=("model",)))
    assert [(row.group["model"], row.usage.requests) for row in rows] == [("half ?", 1), ("xy", 2)]


def test_parts_of_a_minute_add_up(ledger: Ledger) -> None:
    ledger.take(make_report(1, minutes=[make_minute(5, times_ms=(1.0, 2.0))]), now_s=301.0)
    ledger.take(make_report(1, "two", minutes=[make_minute(5, times_ms=(3.0,))]), now_s=302.0)
    other = make_minute(5, fingerprint="f2")
    ledger.take(make_report(2, minutes=[other]), now_s=303.0)
    first, second = ledger.unrecorded(before=6, quiet_since_s=400.0, limit=9)
    assert first.minute == make_minute(5, times_ms=(1.0, 2.0, 3.0))
    assert first.minute.timings["total_ms"] == make_sketch([1.0, 2.0, 3.0])
    assert second.minute == other
    assert ledger.vector("f2") == VECTORS["f2"]
    assert ledger.vector("none") == {}


def test_a_minute_waits_until_it_is_over_and_nobody_adds_to_it(ledger: Ledger) -> None:
    ledger.take(make_report(1, minutes=[make_minute(5), make_minute(6)]), now_s=400.0)
    assert settled(ledger, before=6) == [5]
    assert settled(ledger, quiet_since_s=399.0) == []
    assert settled(ledger, quiet_since_s=400.0) == [5, 6]


def test_what_changed_while_it_was_written_is_written_again(ledger: Ledger) -> None:
    ledger.take(make_report(1, minutes=[make_minute(5), make_minute(6)]), now_s=400.0)
    kept = ledger.unrecorded(before=9, quiet_since_s=400.0, limit=9)
    ledger.take(make_report(2, minutes=[make_minute(6)]), now_s=500.0)
    ledger.mark_recorded(kept)
    assert settled(ledger) == [6]
    ledger.mark_recorded(ledger.unrecorded(before=9, quiet_since_s=500.0, limit=9))
    assert settled(ledger) == []
    ledger.take(make_report(3, minutes=[make_minute(5)]), now_s=600.0)
    assert settled(ledger) == [5], "a late part"


def test_samples_come_back_as_they_were(ledger: Ledger) -> None:
    samples = [make_sample(at_s) for at_s in (30.5, 10.0, 20.0)] + [make_sample(15.0, "b")]
    samples.append(replace(make_sample(40.0), top_score=None, grounded=False))
    ledger.take(make_report(1, samples=samples), now_s=50.0)
    found = ledger.samples("a", since_s=10.0, until_s=41.0, limit=3)
    assert found == [samples[2], samples[0], samples[4]]
    assert ledger.samples("a", since_s=10.0, until_s=20.0, limit=9) == [samples[1]]


def test_work_is_done_by_one_at_a_time(ledger: Ledger) -> None:
    assert ledger.claim("x", "one", now_s=0.0, until_s=60.0)
    assert not ledger.claim("x", "two", now_s=59.0, until_s=120.0)
    assert ledger.claim("y", "two", now_s=59.0, until_s=120.0)
    assert ledger.claim("x", "one", now_s=59.0, until_s=119.0), "more time"
    assert not ledger.claim("x", "two", now_s=60.0, until_s=120.0)
    assert ledger.claim("x", "one", now_s=61.0, until_s=61.0), "given back"
    assert ledger.claim("x", "two", now_s=61.0, until_s=121.0)
    assert not ledger.claim("x", "one", now_s=62.0, until_s=122.0)
    assert ledger.claim("x", "one", now_s=121.0, until_s=181.0), "two was killed"


def test_old_activity_is_forgotten_and_usage_is_not(ledger: Ledger) -> None:
    now_s = 100 * DAY_S
    minutes = [make_minute(int((now_s - days * DAY_S) // 60)) for days in (6, 8, 29, 31)]
    samples = [make_sample(now_s - days * DAY_S) for days in (34, 36)]
    report = make_report(1, minutes=minutes, samples=samples)
    ledger.take(report, now_s=now_s - 3 * DAY_S)
    ledger.take(make_report(7, "two"), now_s=now_s - DAY_S)
    kept = ledger.unrecorded(before=10**6, quiet_since_s=now_s, limit=9)
    ledger.mark_recorded([one for one in kept if one.minute in minutes[:2]])
    assert forget_old(ledger, Retention(), now_s=now_s, recorded=True) == 4
    assert settled(ledger) == [minutes[2].minute]
    assert ledger.samples("a", since_s=0, until_s=now_s, limit=9) == samples[:1]
    assert total(ledger).requests == 2
    assert not ledger.take(make_report(7, "two"), now_s=now_s), "it reported yesterday"
    assert forget_old(ledger, Retention(), now_s=now_s, recorded=False) == 1
    assert settled(ledger) == []
    assert forget_old(ledger, Retention(), now_s=now_s, recorded=False) == 0


def test_samples_of_a_conversation_or_a_user_go(ledger: Ledger) -> None:
    labels: list[dict[str, Any]] = [
        {"tenant": "acme", "conversation": "conv_1", "user_mark": user_mark("acme", "zoe")},
        {"tenant": "acme", "conversation": "", "user_mark": user_mark("acme", "zoe")},
        {"tenant": "acme", "conversation": "conv_2", "user_mark": ""},
        {"tenant": "beta", "conversation": "conv_1", "user_mark": user_mark("beta", "zoe")},
    ]
    samples = [replace(make_sample(300.0 + place), **one) for place, one in enumerate(labels)]
    ledger.take(make_report(1, samples=samples), now_s=400.0)
    assert ledger.samples("a", since_s=0, until_s=1e9, limit=9) == samples
    assert ledger.erase(ErasureScope("acme", conversation="conv_1")) == 1
    assert ledger.erase(ErasureScope("acme", user="zoe")) == 1
    assert ledger.erase(ErasureScope("acme", user="zoe")) == 0
    left = ledger.samples("a", since_s=0, until_s=1e9, limit=9)
    assert left == [samples[2], samples[3]]
