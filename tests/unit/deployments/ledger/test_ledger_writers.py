"""Several writers at once, some of them killed: nothing counts twice, nothing that was acknowledged
is lost."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from deployments.activity import Usage, UsageKey, UsageQuery
from deployments.ledger.store import Ledger
from tests.activity_reports import KEY, make_minute, make_report, make_sample
from tests.unit.deployments.ledger.conftest import OpenLedger

ROOT = Path(__file__).parents[4]
ALL = UsageQuery("2026-01-01", "2026-12-31")
_WRITE_UNTIL_KILLED = """
import sys
from itertools import count
from deployments.ledger.store import Ledger
from tests.activity_reports import make_minute, make_report, make_sample

ledger = Ledger(sys.argv[1])
for number in count(1):
    parts = {"minutes": [make_minute(5)], "samples": [make_sample(float(number))]}
    assert ledger.take(make_report(number, **parts), now_s=float(number))
    print(number, flush=True)
"""


def test_writers_at_once_add_up(ledger: Ledger, open_ledger: OpenLedger) -> None:
    """Two trackers, four replicas; every report is sent to both, in whichever order."""
    replicas, reports = 4, 12
    trackers = [open_ledger(), open_ledger()]
    taken: list[bool] = []
    failures: list[BaseException] = []

    def send(tracker: Ledger, replica: int) -> None:
        try:
            for number in range(1, reports + 1):
                minutes = [make_minute(number % 3, release) for release in ("b", "a")]
                usage = {KEY: Usage(requests=1), **{_key(number): Usage(requests=2)}}
                report = make_report(number, f"r{replica}", usage=usage, minutes=minutes[::-1])
                taken.append(tracker.take(report, now_s=float(number)))
        except BaseException as error:
            failures.append(error)

    threads = [
        threading.Thread(target=send, args=(tracker, replica))
        for tracker in trackers
        for replica in range(replicas)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(taken) == replicas * reports
    assert len(taken) == 2 * replicas * reports
    (row,) = ledger.usage(ALL)
    assert row.usage == Usage(requests=3 * replicas * reports)
    kept = ledger.unrecorded(before=9, quiet_since_s=1e9, limit=99)
    assert sum(one.minute.counts.requests for one in kept) == 2 * 3 * replicas * reports
    assert {one.changes for one in kept} == {replicas * reports // 3}


def _key(number: int) -> UsageKey:
    return replace(KEY, key_id=f"key-{number % 4}")


def test_nothing_acknowledged_is_lost_by_a_kill(ledger: Ledger, url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WRITE_UNTIL_KILLED, url],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as writer:
        assert writer.stdout is not None
        for _ in range(30):
            assert writer.stdout.readline()
        writer.kill()
        acknowledged = 30 + len(writer.stdout.readlines())
    assert writer.returncode == -9
    (row,) = ledger.usage(ALL)
    taken = row.usage.requests
    # It may be one more: the kill came between the commit and the word.
    assert taken in (acknowledged, acknowledged + 1)
    (kept,) = ledger.unrecorded(before=9, quiet_since_s=1e9, limit=9)
    assert kept.minute.counts.requests == 3 * taken
    assert len(ledger.samples("a", since_s=0, until_s=1e9, limit=10**6)) == taken
    # Who sends the rest again sends it under the same numbers.
    parts: dict[str, Any] = {"minutes": [make_minute(5)], "samples": [make_sample(1.0)]}
    again = [ledger.take(make_report(number, **parts), now_s=1e6) for number in range(1, taken + 3)]
    assert again == [False] * taken + [True] * 2
