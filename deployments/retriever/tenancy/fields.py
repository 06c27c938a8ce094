"""What a row of the store says of whose it is, beside its name.

A row of the default tenant says nothing, as rows did before there were tenants, and one that all of
its tenant may read has no list of groups. Filters here only make answers of the store short: what
decides is the name of each row, since Chroma lets rows without a field pass every `$ne`.
"""

import json
from collections.abc import Mapping
from typing import Any

from deployments.contracts.tenants import DEFAULT_TENANT, Access, Acl
from deployments.retriever.tenancy.names import tenant_of

TENANT_KEY = "ragserve:tenant"
IS_TENANTS_KEY = "ragserve:is_tenants"
"""True on every row that is not the default tenant's: a filter can ask for a value, and not for the
lack of one."""
ACL_KEY = "ragserve:acl"
OWNER_KEYS = frozenset({TENANT_KEY, IS_TENANTS_KEY, ACL_KEY})


def owner_fields(stored_id: str, acl: Acl) -> dict[str, object]:
    """Returns the fields of a row of a document."""
    fields: dict[str, object] = {}
    tenant = tenant_of(stored_id)
    if tenant != DEFAULT_TENANT:
        fields |= {TENANT_KEY: tenant, IS_TENANTS_KEY: True}
    if acl is not None:
        fields[ACL_KEY] = json.dumps(sorted(acl))
    return fields


def acl_of(metadata: Mapping[str, Any]) -> Acl:
    """Returns who may read the document of a row."""
    said = metadata.get(ACL_KEY)
    return None if said is None else frozenset(json.loads(said))


def where_tenant(access: Access) -> dict[str, Any] | None:
    """Returns the filter for rows of a caller's tenant, None for those of all."""
    if access.all_tenants:
        return None
    if access.tenant == DEFAULT_TENANT:
        return {IS_TENANTS_KEY: {"$ne": True}}
    return {TENANT_KEY: {"$eq": access.tenant}}


def where_likely(access: Access) -> dict[str, Any] | None:
    """Returns the filter to begin with: none for the default tenant, who in most services is alone,
    so that it would only cost time. Whoever then finds rows of others asks by `where_tenant`."""
    return None if access.tenant == DEFAULT_TENANT else where_tenant(access)


def joined(*filters: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Returns the filter for what passes all of some filters, None where there is none."""
    given = [dict(one) for one in filters if one]
    if len(given) > 1:
        return {"$and": given}
    return given[0] if given else None
