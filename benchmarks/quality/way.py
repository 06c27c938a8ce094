"""What a command measures, as its options say it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from app.settings.retrieval import RetrievalArgs
from benchmarks.addresses import check_address
from benchmarks.quality.datasets import BadData, name_of
from benchmarks.quality.deployed import Deployed, parse_change, read_deployed, with_settings
from deployments.contracts.errors import ConfigError

WHOLE_DOCUMENT_TOKENS = 1_000_000
"""Of a chunk, so that there is one for each document."""
_TOP_K = "release.top_k"


@dataclass(frozen=True, slots=True)
class Tuning:
    """What differs from the config file; `settings` are texts of the form `place=value`."""

    top_k: int | None = None
    max_chunk_tokens: int | None = None
    overlap_tokens: int | None = None
    whole_documents: bool = False
    settings: Sequence[str] = ()

    def changes(self) -> dict[str, Any]:
        """Returns values by their place; raises ConfigError."""
        changes = dict(parse_change(setting) for setting in self.settings)
        if self.whole_documents:
            changes |= {
                "retrieval.max_chunk_tokens": WHOLE_DOCUMENT_TOKENS,
                "retrieval.overlap_tokens": 0,
            }
        own = {
            _TOP_K: self.top_k,
            "retrieval.max_chunk_tokens": self.max_chunk_tokens,
            "retrieval.overlap_tokens": self.overlap_tokens,
        }
        return changes | {place: value for place, value in own.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Way:
    """How what is measured is reached: over HTTP where there is an address, else in this process.

    `deployed` is the release of the config file; over HTTP it tells the number of chunks.
    """

    deployed: Deployed
    http: str | None
    release: str | None
    index: Path | None
    no_filter: bool
    clean: bool

    @property
    def chunking(self) -> str:
        """How documents are split, in a word: an index is kept for each."""
        args = RetrievalArgs.model_validate(self.deployed.retrieval)
        if args.max_chunk_tokens == WHOLE_DOCUMENT_TOKENS:
            return "whole"
        return f"{args.max_chunk_tokens}-{args.overlap_tokens}"


def read_way(
    *,
    config: Path,
    release: str | None,
    tuning: Tuning,
    http: str | None,
    index: Path | None,
    no_filter: bool,
    clean: bool,
) -> Way:
    """Returns what the options mean.

    Raises:
        BadParameter: they do not go together, or the file is not right.
    """
    try:
        changes = tuning.changes()
        deployed = with_settings(read_deployed(config, release), changes)
        address = None if http is None else check_address(http, allow_remote=True)
    except (ConfigError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    # A request can say how many chunks it wants, and nothing else of it.
    if address is not None and (changes.keys() - {_TOP_K} or index is not None):
        raise typer.BadParameter("A running service splits and keeps documents as it was deployed.")
    if address is None and (no_filter or clean):
        raise typer.BadParameter("--no-filter and --clean are for a running service (--http).")
    return Way(deployed, address, release, index, no_filter, clean)


def check_names(folders: Sequence[Path]) -> list[str]:
    """Returns the names of the data sets; raises BadParameter where two are the same, or a folder
    is missing."""
    try:
        names = [name_of(folder) for folder in folders]
    except BadData as error:
        raise typer.BadParameter(str(error), param_hint="--data") from error
    if len(set(names)) < len(names):
        raise typer.BadParameter("Two folders have the same name.", param_hint="--data")
    return names
