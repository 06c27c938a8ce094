"""Opens the keys of the service: the database that keeps them, and what one replica knows of it."""

from collections.abc import Mapping

from app.access.keyring import Keyring
from app.settings.access import AccessArgs
from deployments.access.secrets import PEPPER_VARIABLE, Peppers
from deployments.access.store import AccessStore
from deployments.control.config import database_url


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
