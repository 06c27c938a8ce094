"""The tables come from migrations alone, and old ones keep what is in them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

import deployments.access.tables
import deployments.assessments.tables
import deployments.batches.tables
import deployments.budgets.tables
import deployments.conversations.tables
import deployments.idempotency.tables  # noqa: F401 - their tables are compared as well
from deployments.activity import Usage, UsageQuery
from deployments.canary.codec import to_json
from deployments.canary.evidence import Evidence
from deployments.canary.rollout import Decision, State
from deployments.contracts.errors import ConfigError, Unavailable
from deployments.control.database import migrate, open_engine, parse_url
from deployments.control.records import pack
from deployments.control.store import ControlStore
from deployments.control.tables import Base
from deployments.ledger.store import Ledger
from deployments.rollouts import Rollout, TrafficOverride

MakeRollout = Callable[..., Rollout]
ROOT = Path(__file__).parents[4]
MIGRATIONS = ScriptDirectory(str(ROOT / "deployments/control/migrations"))
_STATE = '{"phase":"paused","stage":0,"entered_s":1.0,"deadline_from_s":1.0,"sequence":3}'
_DECISION = '{"action":"pause","wanted":"pause","reason":"x","stage":0,"at_s":NaN,"verdicts":[]}'
_POLICY = '{"block_s":5.0,"guardrails":{"error":{"margin":0.02}}}'
WRITTEN = {
    "0001": [
        "INSERT INTO rollouts (id, stable, canary, policy, state, sequence, under_way, created_s,"
        " created_by, vectors, deployed) VALUES ('old', 'a', 'b', :policy, :state, 3, true, 1.5,"
        """ 'me', '{"a":{}}', '{"a": 1.0}')""",
        "INSERT INTO evidence VALUES ('old', 0, :evidence)",
        "INSERT INTO replicas VALUES ('old', 'one', 7)",
        "INSERT INTO looks (rollout_id, action, decision, state, recorded)"
        " VALUES ('old', 'pause', :decision, :state, false)",
        "INSERT INTO traffic_override VALUES"
        """ (1, '{"weights": {"a": 1.0}, "deployed": {}, "by": "me", "at_s": 2.0}')""",
    ],
}
"""How every version of the tables held the same things."""
WRITTEN["0002"] = [
    *WRITTEN["0001"],
    "INSERT INTO usage VALUES ('2026-11-21', 'key', 'a', 'tiny', 'v1', 3, 1, 2, 0, 0, 0, 0, 7)",
]
WRITTEN["0003"] = WRITTEN["0002"]
WRITTEN["0004"] = [
    statement.replace("'2026-11-21', 'key'", "'2026-11-21', 'default', 'key'")
    for statement in WRITTEN["0003"]
]
WRITTEN["0005"] = WRITTEN["0004"]
WRITTEN["0006"] = WRITTEN["0005"]
WRITTEN["0007"] = WRITTEN["0006"]
WRITTEN["0008"] = WRITTEN["0007"]
WRITTEN["0009"] = WRITTEN["0008"]


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(parse_url(url))
    yield engine.execution_options(writes=True)
    engine.dispose()


def test_the_migrations_make_the_tables_that_the_code_expects(
    store: ControlStore, engine: Engine
) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.parametrize("revision", [one.revision for one in MIGRATIONS.walk_revisions()])
def test_an_old_database_keeps_what_is_in_it(
    url: str, engine: Engine, open_store: Callable[[], ControlStore], revision: str
) -> None:
    migrate(parse_url(url), revision=revision)
    evidence = Evidence(0, 5.0, requests={"canary": 4})
    values = {"policy": _POLICY, "state": _STATE, "decision": _DECISION, "evidence": pack(evidence)}
    with engine.connect() as connection, connection.begin():
        for statement in WRITTEN[revision]:
            names = [name for name in values if f":{name}" in statement]
            connection.execute(text(statement), {name: values[name] for name in names})
    store = open_store()
    store.upgrade()
    rollout = store.active()
    assert rollout is not None
    assert rollout.id == "old"
    assert rollout.policy.guardrails.keys() == {"error"}
    assert rollout.state == State("paused", 0, 1.0, 1.0, sequence=3)
    kept, sequences = store.evidence("old", 0)
    assert to_json(kept) == to_json(evidence)
    assert sequences == {"one": 7}
    (look,) = store.unrecorded(10)
    assert look.decision.at_s != look.decision.at_s  # NaN
    assert store.override() == TrafficOverride({"a": 1.0}, {}, "me", 2.0)
    ledger = Ledger(url)
    used = ledger.usage(UsageQuery("2026-11-01", "2026-11-30"))
    ledger.close()
    kept_usage = [Usage(requests=3, failed=1, prompt_tokens=2, cost_picousd=7)]
    assert [row.usage for row in used] == (kept_usage if revision >= "0002" else [])
    later = State("running", 0, 1.0, 1.0, sequence=4)
    assert store.change("old", Decision("resume", "resume", "x", 0, 2.0), later, after=3)


def test_several_processes_may_migrate_at_once(
    url: str, open_store: Callable[[], ControlStore], make_rollout: MakeRollout
) -> None:
    code = (
        "import sys; from deployments.control.store import ControlStore;"
        "store = ControlStore(sys.argv[1]); print('ready', flush=True); sys.stdin.readline();"
        "store.upgrade(); print(store.active())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0] for process in processes] == ["None\n"] * 4
    open_store().create(make_rollout())


def test_migrating_again_changes_nothing(store: ControlStore, make_rollout: MakeRollout) -> None:
    rollout = make_rollout()
    store.create(rollout)
    store.upgrade()
    assert store.active() == rollout


def test_without_tables_the_database_is_unavailable(open_store: Callable[[], ControlStore]) -> None:
    with pytest.raises(Unavailable, match="no tables"):
        open_store().active()


def test_tables_of_a_newer_version_are_refused(store: ControlStore, engine: Engine) -> None:
    with engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="newer"):
        store.upgrade()
