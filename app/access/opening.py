"""Opens the keys of the service: the database that keeps them, and what one replica knows of it."""

import logging
from collections.abc import Callable, Mapping

from app.access.keyring import Keyring
from app.settings.cold.access import AccessArgs
from deployments.access.audit import AuditEntry
from deployments.access.secrets import PEPPER_VARIABLE, Peppers
from deployments.access.store import AccessStore
from deployments.budgets.contract import Alert
from deployments.contracts.errors import RagError
from deployments.control.config import database_url

_log = logging.getLogger("ray.serve")
SERVICE = "ragserve"
"""Who did what nobody asked for, in the audit log."""


def open_keys(
    args: AccessArgs, environment: Mapping[str, str]
) -> tuple[AccessStore | None, Keyring | None]:
    """Returns both, None where the service keeps no keys: without the secret that their digests are
    made with. Nothing is connected yet.

    Raises:
        ConfigError: the secret is too short, or the database cannot be named so.
    """
    peppers = Peppers.parse(environment.get(PEPPER_VARIABLE, ""))
    if not peppers:
        return None, None
    store = AccessStore(database_url(args.database_url), peppers)
    keyring = Keyring(
        store,
        lambda secret: peppers.digest(secret).value,
        max_known=args.max_known_keys,
        stale_s=args.keys_stale_s,
    )
    return store, keyring


def audited_alerts(keys: AccessStore | None) -> Callable[[Alert], None] | None:
    """Returns what adds a row to the audit log for each share of a budget that was reached; it
    blocks, and raises nothing. None where there are no keys."""
    if keys is None:
        return None

    def note(alert: Alert) -> None:
        place = alert.place
        name = place.subject.partition(":")[2]
        try:
            tenant = name
            if place.kind == "key":
                known = keys.known(name)
                tenant = "" if known is None else known.tenant.id
            changes = {"percent": alert.percent, "period": place.period}
            keys.note(
                [AuditEntry(SERVICE, tenant, "budget.reached", place.subject, changes=changes)]
            )
        except RagError as error:
            _log.warning("the audit log misses what %s has spent: %s", place.subject, error)

    return note
