"""Which requests share the prefix cache of vLLM.

How soon a first token comes, and how many tokens of a prompt were cached, tell whether somebody has
sent the same beginning before. With a salt for each tenant, nobody learns what another tenant asks.

Source: Zheng et al., InputSnatch: Stealing Input in LLM Services via Timing Side-Channel Attacks,
2024.
"""

import hashlib
from typing import Literal

from deployments.contracts.tenants import DEFAULT_TENANT

CacheSalt = Literal["tenant", "none"]
"""Each tenant shares prefixes with itself alone, or all share them."""
_DIGITS = 32


def salt_of(tenant: str, shares: CacheSalt) -> str | None:
    """Returns the salt of a tenant's prompts: a digest, since a server that others run need not
    know its name. None where all share, and for the tenant of those who have none: a service
    without tenants works as vLLM does.

    >>> salt_of("default", "tenant"), salt_of("acme", "none")
    (None, None)
    >>> salt_of("acme", "tenant") == salt_of("beta", "tenant")
    False
    """
    if shares == "none" or tenant == DEFAULT_TENANT:
        return None
    return hashlib.sha256(f"ragserve prefix cache\0{tenant}".encode()).hexdigest()[:_DIGITS]
