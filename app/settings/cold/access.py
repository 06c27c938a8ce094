"""Settings of who may ask."""

from typing import Annotated, Literal

from pydantic import Field

from deployments.access.records import TENANT_PATTERN, Scope
from deployments.settings import Settings

AuthMode = Literal["open", "required"]
"""Whether anybody may ask, as the tenant `default`, or only who has a key."""

_Name = Annotated[str, Field(min_length=1, max_length=256)]


class ClaimRule(Settings):
    """What a token whose claim has a value may do."""

    claim: _Name
    """Name of the claim; dots lead into objects: `realm_access.roles`."""

    value: _Name
    """Its value, or one of its values where it is a list."""

    tenant: str = Field(pattern=TENANT_PATTERN)
    """Whose documents such a token reaches."""

    scopes: frozenset[Scope] = frozenset({"query"})
    """What it opens."""


class OidcIssuer(Settings):
    """An identity provider whose tokens are taken beside keys."""

    issuer: str = Field(pattern=r"^https?://\S+$")
    """What its tokens have as `iss`, to the letter."""

    audience: _Name
    """What they must have as `aud`."""

    jwks_url: str = Field(pattern=r"^https?://\S+$")
    """Where its public keys are."""

    algorithms: tuple[Literal["RS256", "ES256", "EdDSA"], ...] = ("RS256", "ES256")
    """Signatures that are taken; those with a shared secret never are."""

    rules: tuple[ClaimRule, ...] = Field(min_length=1)
    """The first one that fits a token counts; a token that none fits opens nothing."""

    groups_claim: str = ""
    """The claim that lists the groups whose documents the token reads; empty: all of the
    tenant."""


class AccessArgs(Settings):
    """How keys and tokens are looked up."""

    database_url: str | None = None
    """Where tenants and keys are kept. Without it the environment's RAGSERVE_DATABASE_URL says it,
    as for the control application, which has the same database."""

    keys_stale_s: float = Field(default=300.0, ge=0, le=86_400)
    """While the database does not answer, keys that were seen before open what they did, for so
    long. Others are answered with 503."""

    max_known_keys: int = Field(default=10_000, ge=1)
    """Keys that one replica remembers."""

    oidc: tuple[OidcIssuer, ...] = ()
    """Identity providers whose tokens are taken beside keys."""
