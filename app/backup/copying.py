"""A whole backup, taken while the service answers, and put into an empty one."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.backup.archive import reading, writing
from app.backup.documents import Collection, OnDocuments
from app.backup.places import Places
from app.backup.records import Records
from app.client.errors import CliError
from deployments.contracts.errors import RagError


def take(places: Places, file: Path, *, on_documents: OnDocuments) -> dict[str, Any]:
    """Writes a file with everything, and returns what it holds.

    Documents first: what the records say of them, such as who read them, may be newer, never older.

    Raises:
        CliError: a place cannot be read, or the file cannot be written; then there is none.
    """
    with ExitStack() as stack, _errors_as_told():
        archive = stack.enter_context(writing(file))
        collections = [stack.enter_context(closing(Collection(args))) for args in places.stores]
        records = stack.enter_context(closing(Records(places.database_url)))
        manifest = {
            "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "collections": {
                collection.name: collection.write_to(archive, on_documents)
                for collection in collections
            },
            "records": records.write_to(archive),
        }
        archive.finish(manifest)
        return manifest


def put_back(
    places: Places, file: Path, *, replace: bool, on_documents: OnDocuments
) -> dict[str, Any]:
    """Puts everything of a file into a service's places, and returns what the file holds.

    The collections of the file are those of the service by their names; one that the service does
    not have is refused, before anything is written.

    Args:
        places: Of the service.
        file: Of a backup.
        replace: Whether what is there may go. Without it the places must be empty.
        on_documents: Told of how many more documents are done.

    Raises:
        CliError: the file is no whole backup, or the places are not empty, or do not fit.
    """
    with ExitStack() as stack, _errors_as_told():
        archive = stack.enter_context(reading(file))
        archive.check()
        manifest = dict(archive.manifest)
        collections = {
            args.collection: stack.enter_context(closing(Collection(args)))
            for args in places.stores
        }
        if unknown := sorted(set(manifest["collections"]) - set(collections)):
            raise CliError(
                f"The backup has the collection {unknown[0]}, which this service has not.",
                "Restore it with the config of the service that it was taken of.",
            )
        records = stack.enter_context(closing(Records(places.database_url)))
        records.prepare()
        if not replace:
            _require_empty(collections, records)
        records.read_from(archive)  # first: all of it or nothing, and nothing is changed before
        for name in manifest["collections"]:
            collections[name].clear()
            collections[name].read_from(archive, name, on_documents)
        return manifest


def _require_empty(collections: dict[str, Collection], records: Records) -> None:
    there = {name: count for name, one in collections.items() if (count := one.count())}
    said = [f"{count} documents in {name}" for name, count in there.items()]
    said += [f"{count} rows of {name}" for name, count in records.counts().items()]
    if said:
        raise CliError(
            f"The service is not empty: {', '.join(said)}.",
            "--replace puts the backup in the place of all that.",
        )


@contextmanager
def _errors_as_told() -> Iterator[None]:
    """Turns what a store raises into an error of the command line."""
    try:
        yield
    except RagError as error:
        raise CliError(str(error), "Are the addresses right, and do the servers run?") from error
