"""Opens what remembers answers, in the database that keeps keys."""

from collections.abc import Mapping

from app.idempotency.requests import IdempotentRequests
from app.settings.cold.access import AccessArgs
from app.settings.cold.idempotency import IdempotencyArgs
from deployments.access.secrets import PEPPER_VARIABLE, Peppers
from deployments.control.config import database_url
from deployments.idempotency.store import IdempotencyStore


def open_idempotent(
    args: IdempotencyArgs, access: AccessArgs, environment: Mapping[str, str]
) -> IdempotentRequests | None:
    """Returns what remembers answers; None without the secret that keys of clients are digested
    with. Nothing is connected yet.

    Raises:
        ConfigError: the secret is too short, or the database cannot be named so.
    """
    peppers = Peppers.parse(environment.get(PEPPER_VARIABLE, ""))
    if not peppers:
        return None
    secret = peppers.seal(peppers.newest, b"idempotency").encode()
    return IdempotentRequests(
        IdempotencyStore(database_url(access.database_url)),
        secret,
        kept_s=args.kept_s,
        max_detached=args.max_detached,
    )
