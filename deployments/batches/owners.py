"""Whose a file or a batch is: a tenant and one of its keys, as one text.

What the default tenant has is kept by its key alone, as it was before there were tenants.
"""

from deployments.contracts.tenants import DEFAULT_TENANT

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
