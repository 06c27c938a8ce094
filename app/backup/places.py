"""What there is to copy of a service, and where: its collections and its control database."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.client.errors import CliError
from app.cluster.serve_config import load_cluster_config
from deployments.control.config import DATABASE_VARIABLE
from deployments.retriever.config import StoreArgs

_RETRIEVAL = "app.builder:build_retrieval"
_CONTROL = "app.builder:build_control"


@dataclass(frozen=True)
class Places:
    """Where a service keeps what must not be lost.

    Attributes:
        stores: Its collections of documents.
        database_url: Its control database.
    """

    stores: tuple[StoreArgs, ...]
    database_url: str


def places_of(config: Path, *, database: Path | None = None) -> Places:
    """Returns the places that a Serve config names; the environment says the database where the
    config does not.

    Args:
        config: The file.
        database: A file that holds the database where neither says one: the local stack's.

    Raises:
        CliError: there is no such file, or nobody says where the database is.
    """
    document = load_cluster_config(config).document
    stores: dict[tuple[object, ...], StoreArgs] = {}
    for args in _args_of(document, _RETRIEVAL):
        store = StoreArgs.model_validate(args.get("store", {}))
        stores[store.url, store.path, store.collection] = store
    named = [args.get("database_url") for args in _args_of(document, _CONTROL)]
    url = next(filter(None, [*named, os.environ.get(DATABASE_VARIABLE)]), None)
    if url is None and database is not None:
        url = f"sqlite:///{database}"
    if url is None:
        raise CliError(
            "Where is the control database?",
            f"Set {DATABASE_VARIABLE}, as the nodes of the cluster have it.",
        )
    return Places(tuple(stores.values()), str(url))


def _args_of(document: Mapping[str, Any], builder: str) -> list[Mapping[str, Any]]:
    return [
        application.get("args") or {}
        for application in document["applications"]
        if application.get("import_path") == builder
    ]
