"""Whose a file or a batch is: a tenant and one of its keys, as one text.

What the default tenant has is kept by its key alone, as it was before there were tenants. Then the
key was the whole digest of what a caller sent, of which its id is the beginning: such rows stay
their owner's.
"""

import re

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import InstrumentedAttribute

from deployments.contracts.tenants import DEFAULT_TENANT

_LABEL = re.compile(r"[0-9a-f]{12}")
"""The id of a caller whose key the service did not make."""
_DIGEST_CHARS = 64

SEPARATOR = "/"


def owner_text(tenant: str, key: str) -> str:
    """Returns the owner; an empty key is that of callers without one.

    >>> owner_text("acme", "key_1"), owner_text("default", "key_1"), owner_text("default", "")
    ('acme/key_1', 'key_1', '')
    >>> owner_text("default", "https://login.example/42")
    'default/https://login.example/42'
    """
    is_plain = tenant == DEFAULT_TENANT and SEPARATOR not in key
    return key if is_plain else f"{tenant}{SEPARATOR}{key}"


def tenant_of_owner(owner: str) -> str:
    """Returns the tenant of an owner.

    >>> tenant_of_owner("acme/key_1"), tenant_of_owner("key_1")
    ('acme', 'default')
    """
    tenant, separator, _ = owner.partition(SEPARATOR)
    return tenant if separator else DEFAULT_TENANT


def key_of_owner(owner: str) -> str:
    """Returns the key of an owner.

    >>> key_of_owner("acme/key_1"), key_of_owner("key_1"), key_of_owner("")
    ('key_1', 'key_1', '')
    """
    tenant, separator, key = owner.partition(SEPARATOR)
    return key if separator else tenant


def is_owned(row_owner: str, owner: str | None) -> bool:
    """Returns whether a row is of an owner; None is everybody."""
    if owner is None or row_owner == owner:
        return True
    is_older = len(row_owner) == _DIGEST_CHARS and _LABEL.fullmatch(owner) is not None
    return is_older and row_owner.startswith(owner)


def owned_by(column: InstrumentedAttribute[str], owner: str) -> ColumnElement[bool]:
    """Returns the condition for rows of an owner."""
    if _LABEL.fullmatch(owner) is None:
        return column == owner
    return (column == owner) | (
        (func.length(column) == _DIGEST_CHARS) & column.startswith(owner, autoescape=True)
    )
