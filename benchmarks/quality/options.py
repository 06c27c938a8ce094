"""Options that the commands of quality share."""

from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    list[Path],
    typer.Option("--data", help="Folder of a data set; can be given several times.", metavar="DIR"),
]
SampleOption = Annotated[
    int | None, typer.Option(min=1, help="Ask only so many, chosen by chance, for a quick look.")
]
HttpOption = Annotated[
    str | None,
    typer.Option(
        "--http",
        help="Ask a running service, which gets the documents with the metadata "
        "`dataset`. Without it the product's classes run in this process.",
        metavar="URL",
    ),
]
ConfigOption = Annotated[
    Path, typer.Option(help="Serve config file whose retrieval and release are measured.")
]
ReleaseOption = Annotated[
    str | None,
    typer.Option(
        help="Release of that file; the one with the most traffic if none. Over HTTP it takes the "
        "operators' key, in RAGSERVE_ADMIN_KEY."
    ),
]
IndexOption = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        help="Keep the index in this folder: documents that it knows cost nothing.",
        metavar="DIR",
    ),
]
TopKOption = Annotated[
    int | None,
    typer.Option(min=1, max=1000, help="Chunks that are reranked; the release's if none."),
]
ChunkTokensOption = Annotated[
    int | None, typer.Option(min=32, help="Tokens of a chunk; the config's if none.")
]
OverlapOption = Annotated[
    int | None, typer.Option(min=0, help="Tokens that chunks share; the config's if none.")
]
WholeOption = Annotated[
    bool,
    typer.Option(
        "--whole-documents",
        help="One chunk for each document: models read its beginning, as far as their window goes.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Another value than the config's: in the retrieval application's `args` "
        "(retrieval.embedder.threads=2), in the release (release.rerank_weight=0.5) or in its "
        "generators' `args` (generator.extractive.max_sentences=2); can be given several times.",
        metavar="PLACE=VALUE",
    ),
]
ConcurrencyOption = Annotated[
    int, typer.Option(min=1, max=256, help="Questions on their way at once.")
]
NoFilterOption = Annotated[
    bool, typer.Option("--no-filter", help="Over HTTP: search all that the service has.")
]
CleanOption = Annotated[
    bool, typer.Option("--clean", help="Over HTTP: take the documents out at the end.")
]
SeedOption = Annotated[int, typer.Option(help="Of samples and intervals.")]
MlflowOption = Annotated[
    str | None,
    typer.Option(
        "--mlflow", help="MLflow server that keeps each data set and stage as a run.", metavar="URL"
    ),
]
OutputOption = Annotated[Path | None, typer.Option(help="File for the JSON result.")]
