"""What is kept of tenants and keys, and of who changed what: their tables. A change here needs a
migration."""

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from deployments.control.tables import Base


class TenantRow(Base):
    """A tenant; `settings` are its limits, budgets and retention as JSON. `version` as in
    `VersionRow`."""

    __tablename__ = "tenants"
    __table_args__ = (Index("ix_tenants_version", "version"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    settings: Mapped[str]
    created_s: Mapped[float] = mapped_column(Double)
    deleted_s: Mapped[float | None] = mapped_column(Double)
    version: Mapped[int] = mapped_column(BigInteger)


class KeyRow(Base):
    """A key; `settings` are its scopes, groups, releases, limits and budgets as JSON."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index("ix_api_keys_version", "version"),
        Index("ix_api_keys_tenant", "tenant"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(ForeignKey(TenantRow.id))
    name: Mapped[str]
    settings: Mapped[str]
    created_s: Mapped[float] = mapped_column(Double)
    created_by: Mapped[str]
    expires_s: Mapped[float | None] = mapped_column(Double)
    revoked_s: Mapped[float | None] = mapped_column(Double)
    version: Mapped[int] = mapped_column(BigInteger)


class SecretRow(Base):
    """The digest of a secret of a key; while a key is rotated it has two. One without an end lives
    as long as its key."""

    __tablename__ = "api_key_secrets"
    __table_args__ = (Index("ix_api_key_secrets_key_id", "key_id"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    pepper: Mapped[str]
    key_id: Mapped[str] = mapped_column(ForeignKey(KeyRow.id))
    ends_s: Mapped[float | None] = mapped_column(Double)


class VersionRow(Base):
    """Counts changes of tenants and keys; there is one row. A change locks it until it is
    committed, so that versions appear in their order, and who has read up to one has missed none: a
    sequence of PostgreSQL would not promise that."""

    __tablename__ = "access_version"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    version: Mapped[int] = mapped_column(BigInteger)


class AuditRow(Base):
    """Who changed what. `hash` covers the row and the hash of the row before it; triggers refuse
    changes, and deletions of rows that are younger than `KEPT_DAYS`."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_tenant_number", "tenant", "number"),)

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at_s: Mapped[float] = mapped_column(Double)
    actor: Mapped[str]
    tenant: Mapped[str]
    action: Mapped[str]
    object: Mapped[str]
    outcome: Mapped[str]
    request_id: Mapped[str]
    changes: Mapped[str]
    pepper: Mapped[str]
    previous: Mapped[str]
    hash: Mapped[str]
