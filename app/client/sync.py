"""A folder into a running service, with what is gone from it taken out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.client import ingestion
from app.client.api_client import ApiClient
from app.client.files import SourceFile, find_files
from app.client.mirror import (
    IndexedPath,
    delete_documents,
    find_missing,
    folder_prefixes,
    list_documents,
    paths_kept,
    require_files,
)
from deployments.contracts.documents import ReadFailure


@dataclass(frozen=True, slots=True)
class Wishes:
    """What holds for all documents of a run; see `ingestion.ingest` and `find_files`."""

    metadata: dict[str, str] = field(default_factory=dict)
    acl: Sequence[str] | None = None
    exclude: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What became of a folder: what was sent, and what was taken out."""

    report: ingestion.Report
    deleted: tuple[IndexedPath, ...]


def mirror_folder(
    service: ApiClient,
    folder: Path,
    *,
    root: Path | None,
    wishes: Wishes,
) -> Mirrored:
    """Makes the documents below a folder's path what the folder holds: sends its files, and deletes
    the documents whose file is gone. What is left out or cannot be read stays as it is known.

    Raises:
        CliError: the folder has no file, so that nothing is deleted; the service refuses, or is
            away. Running it again goes on.
    """
    prefixes = folder_prefixes([folder], root=root)
    found = tuple(find_files([folder], root=root, exclude=wishes.exclude))
    require_files([folder], found, root=root)
    report = ingestion.ingest(
        [item for item in found if isinstance(item, SourceFile)],
        lambda body: service.post("/v1/documents", body),
        metadata=wishes.metadata,
        acl=wishes.acl,
        on_progress=lambda done_bytes, report: None,
    )
    report.failures[:0] = [
        (item.path, item.message) for item in found if isinstance(item, ReadFailure)
    ]
    gone = find_missing(
        list_documents(service),
        prefixes=prefixes,
        sent=report.paths,
        kept=paths_kept(found, report.failures),
    )
    delete_documents(service, gone)
    return Mirrored(report, tuple(gone))
