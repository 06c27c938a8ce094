"""Records of the control database in a file and back, also into the other kind of database."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, create_engine, select, text

from app.backup.archive import reading, writing
from app.backup.records import Records
from app.client.errors import CliError
from deployments.control.database import migrate, parse_url
from deployments.control.store import ControlStore
from tests.unit.deployments.control.conftest import MakeRollout, make_rollout  # noqa: F401


def content(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Returns all rows of all tables, as the database has them."""
    engine = create_engine(parse_url(url))
    metadata = MetaData()
    with engine.connect() as connection:
        metadata.reflect(connection)
        rows = {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }
    engine.dispose()
    return {name: found for name, found in rows.items() if found}


def written(url: str, file: Path) -> None:
    with writing(file) as archive:
        records = Records(url)
        archive.finish({"records": records.write_to(archive)})
        records.close()


def read(url: str, file: Path) -> int:
    records = Records(url)
    try:
        records.prepare()
        with reading(file) as archive:
            return records.read_from(archive)
    finally:
        records.close()


def add_to_audit(connection: Connection, number: int) -> None:
    columns = "at_s, actor, tenant, action, object, outcome, request_id, changes, pepper, previous"
    values = ", ".join(["1.5", *["'x'"] * 9])
    added = f"INSERT INTO audit (number, {columns}, hash) VALUES ({number}, {values}, 'h{number}')"
    connection.execute(text(added))


@pytest.fixture
def filled(url: str, make_rollout: MakeRollout) -> str:  # noqa: F811
    """A database with something in it, bytes included."""
    migrate(parse_url(url))
    store = ControlStore(url)
    store.create(make_rollout())
    store.close()
    engine = create_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO query_samples (release, at_s, vector, dimension, top_score, grounded,"
                " answer_words) VALUES ('one', 1.5, :vector, 2, 0.5, TRUE, 7)"
            ),
            {"vector": b"\x00\xff\x01\x02"},
        )
        add_to_audit(connection, 1)
    engine.dispose()
    return url


def test_another_database_has_the_same_rows(filled: str, tmp_path: Path) -> None:
    file, other = tmp_path / "copy.zip", f"sqlite:///{tmp_path / 'other.db'}"
    written(filled, file)
    assert read(other, file) > 1
    there = content(filled)
    assert {"rollouts", "query_samples", "audit"} <= set(there)
    assert content(other) == there


def test_the_same_database_has_again_what_it_had(filled: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.zip"
    written(filled, file)
    before = content(filled)
    engine = create_engine(parse_url(filled))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM query_samples"))
        connection.execute(text("UPDATE rollouts SET sequence = sequence + 5"))
    engine.dispose()
    assert content(filled) != before
    read(filled, file)
    assert content(filled) == before


def test_a_backup_leaves_older_tables_as_they_are(url: str, tmp_path: Path) -> None:
    migrate(parse_url(url), revision="0005")
    file = tmp_path / "copy.zip"
    written(url, file)
    with reading(file) as archive:
        assert archive.manifest["records"]["revision"] == "0005"
    assert content(url)["alembic_version"] == [("0005",)]


def test_an_audit_log_that_has_entries_stays_as_it_is(filled: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.zip"
    written(filled, file)
    engine = create_engine(parse_url(filled))
    with engine.begin() as connection:
        add_to_audit(connection, 2)
    engine.dispose()
    before = content(filled)
    read(filled, file)
    assert len(before["audit"]) == 2
    assert content(filled) == before


def test_rows_that_come_later_get_numbers_of_their_own(filled: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.zip"
    written(filled, file)
    read(filled, file)
    engine = create_engine(parse_url(filled))
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO query_samples (release, at_s, vector, dimension, top_score, grounded,"
                " answer_words) VALUES ('two', 2.5, :vector, 2, 0.5, TRUE, 7)"
            ),
            {"vector": b"\x00"},
        )
    engine.dispose()
    assert len(content(filled)["query_samples"]) == 2


def test_a_backup_of_other_tables_is_refused_and_changes_nothing(
    filled: str, tmp_path: Path
) -> None:
    file = tmp_path / "copy.zip"
    with writing(file) as archive:
        archive.finish({"records": {"revision": "0002", "tables": {}}})
    before = content(filled)
    with pytest.raises(CliError, match="revision 0002"):
        read(filled, file)
    assert content(filled) == before
