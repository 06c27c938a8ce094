"""Tokens of identity providers (OpenID Connect): checked by their public keys, mapped to tenants.

Source: RFC 7519 (JWT), RFC 8725 (its best current practice: algorithms by a list, `aud` and `iss`
always checked).
"""

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from jwt import PyJWK, PyJWKClient, PyJWKClientConnectionError, PyJWTError

from app.access.principals import TOKEN_PREFIX
from app.request.principal import Principal
from app.settings.cold.access import ClaimRule, OidcIssuer
from deployments.contracts.errors import Unauthorized, Unavailable

_LEEWAY_S = 30
_REFRESH_S = 30.0
"""A token with an unknown key has the keys read again, but not more often than that."""
_TIMEOUT_S = 5.0
_REQUIRED = ("exp", "iat", "iss", "aud", "sub")
_REFUSED = "The token does not hold here."


class OidcTokens:
    """Reads tokens.

    Args:
        issuers: Who may have made them.
    """

    def __init__(self, issuers: Sequence[OidcIssuer]) -> None:
        self._issuers = {issuer.issuer: _Issuer(issuer) for issuer in issuers}

    async def read(self, token: str) -> Principal:
        """See `TokenReader.read`."""
        try:
            # Only to know who has to be asked; nothing of it is believed before it is checked.
            claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except PyJWTError:
            raise Unauthorized(_REFUSED) from None
        issuer = self._issuers.get(claimed) if isinstance(claimed, str) else None
        if issuer is None:
            raise Unauthorized(_REFUSED)
        return await issuer.read(token)


class _Issuer:
    def __init__(self, settings: OidcIssuer) -> None:
        self._settings = settings
        # One object for all requests: it keeps the keys that it has read.
        self._keys = PyJWKClient(settings.jwks_url, cache_keys=True, timeout=_TIMEOUT_S)
        self._by_id: dict[str, PyJWK] = {}
        self._read_s = float("-inf")
        self._reading = asyncio.Lock()

    async def read(self, token: str) -> Principal:
        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            claims = jwt.decode(
                token,
                key,
                algorithms=list(self._settings.algorithms),
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=_LEEWAY_S,
                options={"require": list(_REQUIRED)},
            )
        except PyJWTError:
            raise Unauthorized(_REFUSED) from None
        return self._principal(claims)

    async def _key(self, key_id: str) -> PyJWK:
        if key_id not in self._by_id:
            async with self._reading:
                if key_id not in self._by_id:
                    await self._read_keys()
        if key_id not in self._by_id:
            raise Unauthorized(_REFUSED)
        return self._by_id[key_id]

    async def _read_keys(self) -> None:
        if time.monotonic() - self._read_s < _REFRESH_S:
            return
        self._read_s = time.monotonic()
        try:
            # It waits for its answer in the thread that calls it.
            found = await asyncio.to_thread(self._keys.get_signing_keys, refresh=True)
        except PyJWKClientConnectionError as error:
            raise Unavailable(
                "The identity provider does not answer; retry shortly.", "keys", 5.0
            ) from error
        self._by_id = {str(key.key_id or ""): key for key in found}

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        for rule in self._settings.rules:
            if _fits(rule, claims):
                subject = f"{self._settings.issuer} {claims['sub']}"
                return Principal(
                    tenant=rule.tenant,
                    key_id=TOKEN_PREFIX + hashlib.sha256(subject.encode()).hexdigest()[:16],
                    scopes=rule.scopes,
                    groups=self._groups(claims),
                )
        raise Unauthorized(_REFUSED)

    def _groups(self, claims: Mapping[str, Any]) -> frozenset[str] | None:
        name = self._settings.groups_claim
        return frozenset(_values(claims, name)) if name else None


def _fits(rule: ClaimRule, claims: Mapping[str, Any]) -> bool:
    return rule.value in _values(claims, rule.claim)


def _values(claims: Mapping[str, Any], name: str) -> list[str]:
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    return [str(one) for one in (found if isinstance(found, list) else [found]) if one is not None]
