"""What a document is called in the index, where equal ids of two tenants are two documents.

Documents of the default tenant keep the ids that they always had. Those of all others are kept as
`tenant/id`: no id of a client has a slash, so that the tenant of whatever is kept can be read off
its name, and nobody can claim another's by calling a document like it. Ids of chunks begin with
those of their documents, and obey the same rule.
"""

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.tenants import DEFAULT_TENANT, Access, Acl

_SEPARATOR = "/"


def stored_id(access: Access, shown: str) -> str:
    """Returns how the index calls what a caller calls `shown`. Whether it is theirs is asked of
    what is found: a caller may ask for anything.

    >>> stored_id(Access("acme"), "handbook"), stored_id(Access(), "handbook")
    ('acme/handbook', 'handbook')
    """
    if access.all_tenants or access.tenant == DEFAULT_TENANT:
        return shown
    return f"{access.tenant}{_SEPARATOR}{shown}"


def shown_id(access: Access, stored: str) -> str:
    """Returns how a caller calls what the index calls `stored`; whoever reaches all tenants needs
    their names."""
    return stored if access.all_tenants else bare_id(stored)


def bare_id(stored: str) -> str:
    """Returns how its tenant calls a document or a chunk."""
    return stored.rpartition(_SEPARATOR)[2]


def beside(stored: str, bare: str) -> str:
    """Returns how the index calls what the tenant of `stored` calls `bare`.

    >>> beside("acme/handbook-00001", "handbook")
    'acme/handbook'
    """
    tenant, separator, _ = stored.rpartition(_SEPARATOR)
    return tenant + separator + bare


def tenant_of(stored: str) -> str:
    """Returns whose a document or a chunk is.

    >>> tenant_of("acme/handbook-00001"), tenant_of("handbook")
    ('acme', 'default')
    """
    return stored.rpartition(_SEPARATOR)[0] or DEFAULT_TENANT


def is_of_tenant(access: Access, stored: str) -> bool:
    """Returns whether a document or a chunk is of a caller's tenant."""
    return access.all_tenants or tenant_of(stored) == access.tenant


def is_in_reach(access: Access, stored: str, acl: Acl) -> bool:
    """Returns whether a caller may see a document or a chunk."""
    return is_of_tenant(access, stored) and (access.all_tenants or access.may_read(acl))


def check_new_id(access: Access, stored: str) -> None:
    """Raises InvalidRequest for a document that would be written as somebody else's."""
    if not is_of_tenant(access, stored):
        raise InvalidRequest("An id of a document has no slash.", "retriever")
