"""Creates the tables of tenants, keys, the audit log and requests that may be sent again; usage and
sampled queries say whose they are."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_USAGE_KEY = ("day", "tenant", "key_id", "release", "model", "prices")
_AMOUNTS = (
    *("requests", "failed", "prompt_tokens", "cached_tokens", "completion_tokens"),
    *("embedding_tokens", "rerank_tokens", "cost_picousd"),
)
_KEPT_S = 400 * 86_400
_REFUSED = "rows of the audit log stay as they are"


def upgrade() -> None:
    """Creates everything."""
    op.create_table(
        "tenants",
        *_texts("id", "name", "settings"),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("deleted_s", sa.Double(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
    )
    op.create_index("ix_tenants_version", "tenants", ["version"])
    op.create_table(
        "api_keys",
        *_texts("id", "tenant", "name", "settings", "created_by"),
        sa.Column("created_s", sa.Double(), nullable=False),
        sa.Column("expires_s", sa.Double(), nullable=True),
        sa.Column("revoked_s", sa.Double(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name=op.f("fk_api_keys_tenant")),
    )
    op.create_index("ix_api_keys_version", "api_keys", ["version"])
    op.create_index("ix_api_keys_tenant", "api_keys", ["tenant"])
    op.create_table(
        "api_key_secrets",
        *_texts("digest", "pepper", "key_id"),
        sa.Column("ends_s", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_api_key_secrets")),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name=op.f("fk_api_key_secrets_key_id")
        ),
    )
    op.create_index("ix_api_key_secrets_key_id", "api_key_secrets", ["key_id"])
    op.create_table(
        "access_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_access_version_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_version")),
    )
    _create_audit()
    _add_tenant_to_usage()
    _create_idempotency()
    op.add_column(
        "query_samples", sa.Column("tenant", sa.Text(), nullable=False, server_default="default")
    )
    # Whoever has no key belongs to this one.
    op.execute(
        "INSERT INTO tenants (id, name, settings, created_s, version) VALUES"
        " ('default', 'Everybody without a tenant of their own',"
        ' \'{"limits": {}, "budgets": {}}\', 0, 1)'
    )
    op.execute("INSERT INTO access_version (id, version) VALUES (1, 1)")


def downgrade() -> None:
    """Removes everything; usage keeps its rows as long as no two of them become one."""
    op.drop_column("query_samples", "tenant")
    with op.batch_alter_table("usage") as table:
        table.drop_constraint("pk_usage", type_="primary")
        table.create_primary_key("pk_usage", [name for name in _USAGE_KEY if name != "tenant"])
        table.drop_column("tenant")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_stays ON audit")
        op.execute("DROP FUNCTION audit_stays")
    for table_name in ("idempotent_pieces", "idempotent_requests"):
        op.drop_table(table_name)
    for table_name in ("audit", "access_version", "api_key_secrets", "api_keys", "tenants"):
        op.drop_table(table_name)


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_s", sa.Double(), nullable=False),
        *_texts("actor", "tenant", "action", "object", "outcome", "request_id", "changes"),
        *_texts("pepper", "previous", "hash"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_tenant_number", "audit", ["tenant", "number"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_stays() RETURNS trigger AS $$ BEGIN"
            " IF TG_OP = 'DELETE' AND OLD.at_s < extract(epoch FROM now())"
            f" - {_KEPT_S} THEN RETURN OLD; END IF;"
            f" RAISE EXCEPTION '{_REFUSED}'; END $$ LANGUAGE plpgsql"
        )
        op.execute(
            "CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit"
            " FOR EACH ROW EXECUTE FUNCTION audit_stays()"
        )
        return
    op.execute(
        "CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit"
        f" BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit"
        f" WHEN OLD.at_s >= strftime('%s', 'now') - {_KEPT_S}"
        f" BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
    )


def _create_idempotency() -> None:
    op.create_table(
        "idempotent_requests",
        *_texts("digest", "tenant", "fingerprint", "holder", "start"),
        sa.Column("lease_s", sa.Double(), nullable=False),
        sa.Column("expires_s", sa.Double(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_idempotent_requests")),
    )
    for name in ("expires_s", "tenant"):
        op.create_index(f"ix_idempotent_requests_{name}", "idempotent_requests", [name])
    op.create_table(
        "idempotent_pieces",
        *_texts("digest"),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "place", name=op.f("pk_idempotent_pieces")),
    )


def _add_tenant_to_usage() -> None:
    """Builds the table anew: a column of the primary key cannot be added on SQLite."""
    names = ", ".join([*(name for name in _USAGE_KEY if name != "tenant"), *_AMOUNTS])
    op.rename_table("usage", "usage_before")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX pk_usage RENAME TO pk_usage_before")
    op.create_table(
        "usage",
        *_texts(*_USAGE_KEY),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _AMOUNTS),
        sa.PrimaryKeyConstraint(*_USAGE_KEY, name=op.f("pk_usage")),
    )
    op.execute(f"INSERT INTO usage (tenant, {names}) SELECT 'default', {names} FROM usage_before")
    op.drop_table("usage_before")


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]
