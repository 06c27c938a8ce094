"""What both commands of quality do: run a study, show its figures, keep them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import RenderableType

from app.cli.output import make_console
from benchmarks.load.output import result_of, write_result
from benchmarks.quality.measuring import Corpora, Study, measure
from benchmarks.quality.mlflow_runs import record
from benchmarks.quality.subject import NotMeasured
from benchmarks.quality.way import Way
from deployments.tracking.mlflow.whole_run import NotRecorded

Figures = tuple[str, str, Mapping[str, Any]]
"""Data set, stage, and what was found."""


def run_study(
    way: Way,
    corpora: Corpora,
    study: Study,
    *,
    answers: bool,
    configuration: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns a whole result: figures by data set, and all settings behind them. Without figures it
    says why and exits with 1.

    Args:
        way: How what is measured is reached.
        corpora: The documents, by data set.
        study: Finds the figures of one data set.
        answers: Whether it asks for answers.
        configuration: Settings of the command itself.
    """
    try:
        results, settings = asyncio.run(measure(way, corpora, study, answers=answers))
    except NotMeasured as error:
        raise _failed(error) from error
    return result_of(configuration={**configuration, **settings}, results=results)


def show(tables: Iterable[tuple[RenderableType, Sequence[str]]]) -> None:
    """Prints each table, and what has to be said beside it."""
    console = make_console()
    for table, notes in tables:
        console.print(table)
        for note in notes:
            console.print(note, markup=False)


def keep(
    result: Mapping[str, Any],
    figures: Iterable[Figures],
    *,
    output: Path | None,
    mlflow_url: str | None,
) -> None:
    """Writes the result to a file, and its figures to MLflow, as far as there is a place for them.
    Where MLflow does not take them, it says why and exits with 1."""
    if output is not None:
        write_result(output, dict(result))
    if mlflow_url is None:
        return
    try:
        for dataset, stage, found in figures:
            record(
                mlflow_url,
                dataset=dataset,
                stage=stage,
                figures=found,
                parameters=result["configuration"],
                result=result,
            )
    except NotRecorded as error:
        raise _failed(error) from error


def _failed(error: Exception) -> typer.Exit:
    make_console(stderr=True).print(f"Error: {error}", markup=False)
    return typer.Exit(1)
