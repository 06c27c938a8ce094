"""Tenants and keys in the database. Each method is one transaction; a change and its row in the
audit log are in the same one."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from deployments.access.audit import AuditEntry, AuditLog, AuditQuery, Verification
from deployments.access.records import Key, Tenant
from deployments.access.secrets import Peppers, new_id, new_key
from deployments.access.tables import KeyRow, SecretRow, TenantRow, VersionRow
from deployments.access.wire import (
    RETENTION,
    key_of,
    key_row,
    key_settings,
    retention_of,
    said_of,
    tenant_of,
    tenant_row,
    tenant_settings,
)
from deployments.contracts.errors import Conflict, NotFound
from deployments.contracts.tenants import DEFAULT_TENANT
from deployments.control.stored import Stored, insert_into
from deployments.ledger.tables import UsageRow

KEY_PREFIX = "key_"


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change, for the record."""

    actor: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A secret that is known: its key, the key's tenant, and until when the secret itself holds."""

    key: Key
    tenant: Tenant
    secret_ends_s: float | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since a version: ids of keys and tenants."""

    version: int
    keys: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()


class AccessStore(Stored):
    """Keeps tenants, keys and the audit log.

    Args:
        url: Of the database.
        peppers: The secrets of digests and of the audit log.
        now: Seconds since the epoch.
    """

    def __init__(self, url: str, peppers: Peppers, now: Callable[[], float] = time.time) -> None:
        super().__init__(url)
        self._peppers = peppers
        self._audit = AuditLog(peppers)
        self._now = now

    def find(self, secret: str) -> KnownKey | None:
        """Returns the key of a secret, whether or not it still holds; None for one that is not
        known."""
        digests = [digest.value for digest in self._peppers.digests(secret)]
        wanted = (
            select(SecretRow, KeyRow, TenantRow)
            .join(KeyRow, SecretRow.key_id == KeyRow.id)
            .join(TenantRow, KeyRow.tenant == TenantRow.id)
            .where(SecretRow.digest.in_(digests))
        )
        with self._reading() as session:
            found = session.execute(wanted).first()
            if found is None:
                return None
            row, key, tenant = found
            return KnownKey(key_of(key), tenant_of(tenant), row.ends_s)

    def known(self, key_id: str) -> KnownKey | None:
        """Returns a key by its id, whether or not it still holds; None for one that is not
        known."""
        wanted = (
            select(KeyRow, TenantRow)
            .join(TenantRow, KeyRow.tenant == TenantRow.id)
            .where(KeyRow.id == key_id)
        )
        with self._reading() as session:
            found = session.execute(wanted).first()
            return None if found is None else KnownKey(key_of(found[0]), tenant_of(found[1]))

    def changes(self, since: int) -> Changes:
        """Returns what changed after a version."""
        with self._reading() as session:
            row = session.get(VersionRow, 1)
            version = 0 if row is None else row.version
            if version <= since:
                return Changes(version)
            keys = session.scalars(select(KeyRow.id).where(KeyRow.version > since))
            tenants = session.scalars(select(TenantRow.id).where(TenantRow.version > since))
            return Changes(version, frozenset(keys), frozenset(tenants))

    def create_tenant(self, tenant: Tenant, *, by: Author) -> Tenant:
        """Keeps a new tenant.

        Raises:
            Conflict: there is one of this id, or there was: what is left of it is not the new
                one's.
        """
        made = replace(tenant, created_s=self._now(), deleted_s=None)
        with self._writing() as session:
            version = _next_version(session)
            if session.get(TenantRow, tenant.id) is not None:
                raise Conflict(f"There is or was a tenant '{tenant.id}'; take another id.")
            session.add(tenant_row(made, version))
            self._note(session, by, made.id, "tenant.create", made.id, tenant_settings(made))
        return made

    def change_tenant(self, tenant: Tenant, *, by: Author) -> Tenant:
        """Changes name, limits, budgets and retention; they hold for running periods at once.

        Raises:
            NotFound: there is none.
        """
        with self._writing() as session:
            version = _next_version(session)
            row = _live_tenant(session, tenant.id)
            row.name, row.settings, row.version = tenant.name, tenant_settings(tenant), version
            self._note(session, by, tenant.id, "tenant.change", tenant.id, row.settings)
            return tenant_of(row)

    def delete_tenant(self, tenant_id: str, *, by: Author) -> Tenant:
        """Ends a tenant: none of its keys opens anything any more. Its id stays taken.

        Raises:
            NotFound: there is none.
            Conflict: it is the one of those without a key.
        """
        if tenant_id == DEFAULT_TENANT:
            raise Conflict(f"The tenant '{DEFAULT_TENANT}' cannot be deleted.")
        with self._writing() as session:
            version = _next_version(session)
            row = _live_tenant(session, tenant_id)
            row.deleted_s, row.version = self._now(), version
            self._note(session, by, tenant_id, "tenant.delete", tenant_id)
            return tenant_of(row)

    def tenant(self, tenant_id: str) -> Tenant:
        """Returns a tenant, also one that was deleted; raises NotFound."""
        with self._reading() as session:
            return tenant_of(_tenant(session, tenant_id))

    def tenants(self, *, after: str = "", limit: int = 100) -> list[Tenant]:
        """Returns tenants that live, by id."""
        wanted = select(TenantRow).where(TenantRow.id > after, TenantRow.deleted_s.is_(None))
        with self._reading() as session:
            rows = session.scalars(wanted.order_by(TenantRow.id).limit(limit))
            return [tenant_of(row) for row in rows]

    def conversation_days(self) -> Mapping[str, float]:
        """Returns after how many days without a turn conversations go, by tenant, of those tenants
        that say it; of deleted ones too."""
        # A tenant without one has no such word in its settings, as `tenant_settings` writes them.
        wanted = select(TenantRow.id, TenantRow.settings).where(
            TenantRow.settings.contains(f'"{RETENTION}"')
        )
        with self._reading() as session:
            found = {id: retention_of(settings) for id, settings in session.execute(wanted)}
        return {
            id: retention.conversation_days
            for id, retention in found.items()
            if retention.conversation_days is not None
        }

    def create_key(self, key: Key, *, by: Author) -> tuple[Key, str]:
        """Keeps a new key, and returns it with its secret, which nobody can be told again.

        Raises:
            NotFound: there is no such tenant.
            ConfigError: the service has no pepper.
        """
        secret = new_key()
        digest = self._peppers.digest(secret)
        made = replace(
            key,
            id=new_id(KEY_PREFIX),
            created_s=self._now(),
            created_by=by.actor,
            revoked_s=None,
            last_used_day="",
        )
        with self._writing() as session:
            version = _next_version(session)
            _live_tenant(session, made.tenant)
            session.add(key_row(made, version))
            session.flush()
            session.add(SecretRow(digest=digest.value, pepper=digest.pepper, key_id=made.id))
            self._note(session, by, made.tenant, "key.create", made.id, key_settings(made))
        return made, secret

    def rotate_key(self, key_id: str, *, keeps_s: float, by: Author) -> tuple[Key, str]:
        """Makes a further secret for a key; the ones before it hold for some more seconds.

        Raises:
            NotFound: there is no such key.
            Conflict: it was revoked, or has expired.
        """
        secret = new_key()
        digest = self._peppers.digest(secret)
        ends_s = self._now() + keeps_s
        with self._writing() as session:
            version = _next_version(session)
            row = _key(session, key_id)
            if row.revoked_s is not None:
                raise Conflict(f"The key '{key_id}' was revoked: make another one.")
            if row.expires_s is not None and row.expires_s <= self._now():
                raise Conflict(f"The key '{key_id}' has expired: make another one.")
            still = (SecretRow.ends_s.is_(None)) | (SecretRow.ends_s > ends_s)
            session.execute(
                update(SecretRow).where(SecretRow.key_id == key_id, still).values(ends_s=ends_s)
            )
            session.add(SecretRow(digest=digest.value, pepper=digest.pepper, key_id=key_id))
            row.version = version
            self._note(session, by, row.tenant, "key.rotate", key_id, said={"keeps_s": keeps_s})
            return key_of(row), secret

    def change_key(self, key: Key, *, by: Author) -> Key:
        """Changes name, scopes, groups, releases, limits, budgets and expiry of a key.

        Raises:
            NotFound: there is no such key.
        """
        with self._writing() as session:
            version = _next_version(session)
            row = _key(session, key.id)
            row.name, row.settings, row.expires_s = key.name, key_settings(key), key.expires_s
            row.version = version
            self._note(session, by, row.tenant, "key.change", key.id, row.settings)
            return key_of(row)

    def revoke_key(self, key_id: str, *, by: Author) -> Key:
        """Ends a key with all its secrets; one that was revoked before stays as it was.

        Raises:
            NotFound: there is no such key.
        """
        with self._writing() as session:
            version = _next_version(session)
            row = _key(session, key_id)
            if row.revoked_s is None:
                row.revoked_s, row.version = self._now(), version
                self._note(session, by, row.tenant, "key.revoke", key_id)
            return key_of(row)

    def key(self, key_id: str) -> Key:
        """Returns a key; raises NotFound."""
        with self._reading() as session:
            return key_of(
                _key(session, key_id), last_used_day=_used(session, [key_id]).get(key_id, "")
            )

    def keys(self, tenant: str | None, *, after: str = "", limit: int = 100) -> list[Key]:
        """Returns keys by id: of one tenant, or of all."""
        wanted = select(KeyRow).where(KeyRow.id > after).order_by(KeyRow.id).limit(limit)
        if tenant is not None:
            wanted = wanted.where(KeyRow.tenant == tenant)
        with self._reading() as session:
            rows = list(session.scalars(wanted))
            used = _used(session, [row.id for row in rows])
            return [key_of(row, last_used_day=used.get(row.id, "")) for row in rows]

    def note(self, entries: Sequence[AuditEntry]) -> None:
        """Adds to the audit log what changed nothing here."""
        with self._writing() as session:
            for entry in entries:
                self._audit.append(session, entry)

    def audit(self, query: AuditQuery) -> list[AuditEntry]:
        """Returns rows of the audit log."""
        with self._reading() as session:
            return self._audit.entries(session, query)

    def verify_audit(self) -> Verification:
        """Returns whether the audit log is as it was written."""
        with self._reading() as session:
            return self._audit.verify(session)

    def forget_audit(self) -> int:
        """Deletes rows of the audit log that are old enough, and returns how many."""
        with self._writing() as session:
            return self._audit.forget(session, now_s=self._now())

    def _note(
        self,
        session: Session,
        by: Author,
        tenant: str,
        action: str,
        target: str,
        settings: str = "{}",
        *,
        said: Mapping[str, object] | None = None,
    ) -> None:
        changes = said_of(settings) if said is None else said
        entry = AuditEntry(
            by.actor, tenant, action, target, "done", by.request_id, changes, self._now()
        )
        self._audit.append(session, entry)


def _next_version(session: Session) -> int:
    """Returns the number of a change; whoever makes another one waits until this is committed."""
    first = insert_into(session, VersionRow).values(id=1, version=1)
    counted = first.on_conflict_do_update(
        index_elements=[VersionRow.id], set_={"version": VersionRow.version + 1}
    )
    return int(session.scalar(counted.returning(VersionRow.version)) or 0)


def _tenant(session: Session, tenant_id: str) -> TenantRow:
    row = session.get(TenantRow, tenant_id)
    if row is None:
        raise NotFound(f"There is no tenant '{tenant_id}'.")
    return row


def _live_tenant(session: Session, tenant_id: str) -> TenantRow:
    row = _tenant(session, tenant_id)
    if row.deleted_s is not None:
        raise NotFound(f"There is no tenant '{tenant_id}' any more.")
    return row


def _key(session: Session, key_id: str) -> KeyRow:
    row = session.get(KeyRow, key_id)
    if row is None:
        raise NotFound(f"There is no key '{key_id}'.")
    return row


def _used(session: Session, key_ids: Sequence[str]) -> dict[str, str]:
    """Returns the last day of usage by key."""
    wanted = (
        select(UsageRow.key_id, func.max(UsageRow.day))
        .where(UsageRow.key_id.in_(key_ids))
        .group_by(UsageRow.key_id)
    )
    return {row[0]: row[1] for row in session.execute(wanted)}
