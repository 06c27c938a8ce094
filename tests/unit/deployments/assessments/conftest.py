"""A ledger and a store of assessments on every kind of database that can be had here."""

from collections.abc import Iterator

import pytest

from deployments.activity import GivenAnswer
from deployments.assessments.store import AssessmentStore
from deployments.ledger.store import Ledger
from tests.activity_reports import make_minute, make_report
from tests.unit.deployments.control.conftest import postgresql_url, url  # noqa: F401


class Answers:
    """Answers that replicas tell of, one report after the other.

    Args:
        ledger: Takes them.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._sequence = 0

    def tell(self, *answers: GivenAnswer, now_s: float = 1000.0) -> None:
        self._sequence += 1
        minutes = sorted({(one.minute, one.release) for one in answers if one.release})
        report = make_report(
            self._sequence, minutes=[make_minute(minute, release) for minute, release in minutes]
        )
        told = type(report)(
            report.replica,
            report.sequence,
            report.usage,
            report.minutes,
            report.samples,
            report.vectors,
            answers,
        )
        assert self._ledger.take(told, now_s=now_s)


@pytest.fixture
def store(url: str) -> Iterator[AssessmentStore]:  # noqa: F811
    store = AssessmentStore(url)
    store.upgrade()
    yield store
    store.close()


@pytest.fixture
def ledger(store: AssessmentStore, url: str) -> Iterator[Ledger]:  # noqa: F811
    ledger = Ledger(url)
    yield ledger
    ledger.close()


@pytest.fixture
def answers(ledger: Ledger) -> Answers:
    return Answers(ledger)
