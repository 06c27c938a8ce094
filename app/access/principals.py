"""From the headers of a request to who asks."""

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Protocol

from starlette.datastructures import Headers

from app.access.keyring import Keyring
from app.request.principal import ANONYMOUS, ANONYMOUS_SCOPES, Principal
from app.settings.cold.access import AuthMode
from deployments.access.records import Limits, Scope
from deployments.access.secrets import PREFIX
from deployments.access.store import KEY_PREFIX, KnownKey
from deployments.contracts.errors import Forbidden, Unauthorized

_ANONYMOUS_ID_CHARS = 12
_NEEDED = "Send an API key: Authorization: Bearer <key>, or X-API-Key."
OPERATOR_ID = "operator"
TOKEN_PREFIX = "oidc_"
"""What the ids of subjects of tokens begin with."""
OPERATOR = Principal(
    key_id=OPERATOR_ID,
    scopes=frozenset({"query", "ingest", "usage", "admin", "operator"}),
    limits=Limits(),
)
"""Whoever has RAGSERVE_ADMIN_KEY: the last resort, which no database is needed for."""


def is_registered(key_id: str) -> bool:
    """Returns whether an id is of a key that the service made, or of a token's subject; others are
    labels that callers chose."""
    return key_id.startswith((KEY_PREFIX, TOKEN_PREFIX))


def require(principal: Principal, scopes: frozenset[Scope], *, has_operators: bool = True) -> None:
    """Makes sure that whoever asks has one of some scopes; operators have all.

    Args:
        principal: Whoever asks.
        scopes: What is needed.
        has_operators: Whether anybody can be an operator.

    Raises:
        Unauthorized: they have no key.
        Forbidden: theirs does not open this, or nobody's does.
    """
    if principal.is_operator or not scopes.isdisjoint(principal.scopes):
        return
    if scopes == {"operator"} and not has_operators:
        raise Forbidden("This is closed: the service has no RAGSERVE_ADMIN_KEY.")
    named = " or ".join(f"'{scope}'" for scope in sorted(scopes))
    if not principal.key_id:
        raise Unauthorized(f"Send a key with the scope {named}: Authorization: Bearer <key>.")
    raise Forbidden(f"The key does not open this: it has not the scope {named}.")


class TokenReader(Protocol):
    """Reads tokens of identity providers."""

    async def read(self, token: str) -> Principal:
        """Returns who has a token.

        Raises:
            Unauthorized: it does not hold, or is of nobody who is known here.
            Unavailable: its provider does not answer.
        """
        ...


class Authenticator:
    """Tells who asks.

    Args:
        mode: Whether somebody without a key may ask.
        admin_key: The operators' key of last resort; empty for none.
        keyring: Knows keys; None where the service keeps none.
        tokens: Reads tokens of identity providers; None where there are none.
        now: Seconds since the epoch.
    """

    def __init__(
        self,
        mode: AuthMode = "open",
        admin_key: str = "",
        keyring: Keyring | None = None,
        tokens: TokenReader | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._mode = mode
        self._admin_key = admin_key.encode()
        self._keyring = keyring
        self._tokens = tokens
        self._now = now

    @property
    def is_open(self) -> bool:
        """Whether anybody may ask."""
        return self._mode == "open"

    @property
    def has_operators(self) -> bool:
        """Whether there is a key that is an operator's."""
        return bool(self._admin_key) or self._keyring is not None

    async def identify(self, headers: Headers) -> Principal:
        """Returns who asks.

        Raises:
            Unauthorized: a key is needed and there is none, or it is not known, or does not hold
                any more. The message says nothing of it.
            Unavailable: keys cannot be checked at this moment.
        """
        given = _credential(headers)
        if not given:
            if self.is_open:
                return ANONYMOUS
            raise Unauthorized(_NEEDED)
        if self._is_admin_key(given):
            return OPERATOR
        if given.startswith(PREFIX):
            return await self._by_key(given)
        if self._tokens is not None and given.count(".") == 2:
            return await self._tokens.read(given)
        if self.is_open:
            # Clients of OpenAI's kind send some key whether or not one is asked for: it tells
            # callers apart, and proves nothing.
            return _with_label(given)
        raise Unauthorized("The API key is not known.")

    async def of_key(self, key_id: str, tenant: str, groups: frozenset[str] | None) -> Principal:
        """Returns who asked for work before that is done now: with what their key opens by now.

        Args:
            key_id: Of their key.
            tenant: Whose it was.
            groups: Groups whose documents it read; the key's own count where the service has it.

        Raises:
            Unauthorized: the key holds no more.
            Unavailable: that cannot be told at this moment.
        """
        if not key_id.startswith(KEY_PREFIX):
            return Principal(tenant, key_id, groups=groups)
        return _principal(
            None if self._keyring is None else await self._keyring.by_id(key_id), self._now()
        )

    async def _by_key(self, secret: str) -> Principal:
        found = None if self._keyring is None else await self._keyring.find(secret)
        return _principal(found, self._now())

    def _is_admin_key(self, given: str) -> bool:
        return bool(self._admin_key) and hmac.compare_digest(
            self._admin_key, given.encode("utf-8", "surrogatepass")
        )


def _principal(found: KnownKey | None, now_s: float) -> Principal:
    if found is None:
        raise Unauthorized("The API key is not known.")
    if reason := _why_not(found, now_s):
        raise Unauthorized(reason)
    key, tenant = found.key, found.tenant
    return Principal(
        tenant=tenant.id,
        key_id=key.id,
        scopes=key.scopes,
        groups=key.groups,
        releases=key.releases,
        limits=key.limits,
        tenant_limits=tenant.limits,
        budgets=key.budgets,
        tenant_budgets=tenant.budgets,
        expires_s=key.expires_s,
    )


def _credential(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key", "").strip()


def _why_not(found: KnownKey, now_s: float) -> str:
    """Returns why a key opens nothing; empty where it does."""
    key = found.key
    if key.revoked_s is not None or found.tenant.deleted_s is not None:
        return "The API key was revoked."
    ends = [end for end in (key.expires_s, found.secret_ends_s) if end is not None]
    return "The API key has expired." if ends and min(ends) <= now_s else ""


def _with_label(given: str) -> Principal:
    digest = hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()
    return Principal(key_id=digest[:_ANONYMOUS_ID_CHARS], scopes=ANONYMOUS_SCOPES)
