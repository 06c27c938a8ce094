"""How long activity is kept."""

import logging

from deployments.control.config import Retention
from deployments.ledger.store import Ledger

_log = logging.getLogger("ray.serve")
_DAY_S = 86_400.0


def forget_old(ledger: Ledger, retention: Retention, *, now_s: float, recorded: bool) -> int:
    """Deletes what is too old, and returns how many rows that were.

    Args:
        ledger: Where it is.
        retention: How long it stays.
        now_s: Seconds since the epoch.
        recorded: Whether minutes wait for an MLflow server; where there is none, they go with those
            that it would have.
    """
    unrecorded_days = retention.unrecorded_minutes_days if recorded else retention.minutes_days
    gone = ledger.forget(
        samples_s=now_s - retention.samples_days * _DAY_S,
        recorded_s=now_s - retention.minutes_days * _DAY_S,
        unrecorded_s=now_s - unrecorded_days * _DAY_S,
        reporters_s=now_s - retention.reporters_days * _DAY_S,
        answers_s=now_s - retention.answers_days * _DAY_S,
    )
    if gone:
        _log.info("%d rows of activity were old, and are gone", gone)
    return gone
