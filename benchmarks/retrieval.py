"""`python -m benchmarks.retrieval`: how well documents are found, on judged queries, through the
product's own code.

The documents go through its indexer, and each query through its search: by meaning alone, by words
alone, both fused, and reranked. What a config file deploys is what is measured, in this process or,
with `--http`, in a running service.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.quality import datasets, options
from benchmarks.quality.command import keep, run_study, show
from benchmarks.quality.deployed import DEFAULT_CONFIG
from benchmarks.quality.report import retrieval_notes, retrieval_table
from benchmarks.quality.retrieval_study import (
    STAGES,
    Plan,
    Stage,
    judged_queries,
    pick,
    study_stage,
)
from benchmarks.quality.subject import Subject
from benchmarks.quality.way import Tuning, check_names, read_way


@dataclass(frozen=True, slots=True)
class _Task:
    """What is asked of a data set: its judged queries, of which some may be left out."""

    corpus: list[datasets.CorpusDocument]
    queries: dict[str, str]
    judgements: datasets.Judgements
    left_out: int


def main(
    data: options.DataOption,
    stages: Annotated[
        str, typer.Option(help="Which to measure, with commas between them.")
    ] = ",".join(STAGES),
    sample: options.SampleOption = None,
    http: options.HttpOption = None,
    config: options.ConfigOption = DEFAULT_CONFIG,
    release: options.ReleaseOption = None,
    index: options.IndexOption = None,
    top_k: options.TopKOption = None,
    max_chunk_tokens: options.ChunkTokensOption = None,
    overlap_tokens: options.OverlapOption = None,
    whole_documents: options.WholeOption = False,
    settings: options.SetOption = None,
    timed: Annotated[
        int, typer.Option(min=0, help="Queries that are asked again, one at a time, for the time.")
    ] = 200,
    concurrency: options.ConcurrencyOption = 16,
    no_filter: options.NoFilterOption = False,
    clean: options.CleanOption = False,
    seed: options.SeedOption = 7,
    mlflow: options.MlflowOption = None,
    output: options.OutputOption = None,
) -> None:
    """Measure nDCG@10, recall, MRR@10, first hits and milliseconds of every stage of a search.

    A data set is a folder with corpus.jsonl {id, title, text}, queries.jsonl {id, text} and
    qrels.tsv (query, document, grade), the form of BEIR; each may end in .gz. Intervals are 95 %,
    by bootstrap over queries.

    Example: python -m benchmarks.retrieval --data scifact --index .ragserve/quality --sample 200

    A stage alone: python -m benchmarks.retrieval --data scifact --stages dense,fused

    A running service: python -m benchmarks.retrieval --data scifact --http http://127.0.0.1:8000
    """
    chosen = _parse_stages(stages)
    way = read_way(
        config=config,
        release=release,
        tuning=Tuning(top_k, max_chunk_tokens, overlap_tokens, whole_documents, settings or ()),
        http=http,
        index=index,
        no_filter=no_filter,
        clean=clean,
    )
    parameters = way.deployed.release
    plan = Plan(
        parameters.candidates,
        parameters.top_k,
        parameters.top_n,
        timed,
        at_once=concurrency,
        seed=seed,
    )
    names = check_names(data)
    try:
        tasks = {
            name: _read(folder, sample, seed) for name, folder in zip(names, data, strict=True)
        }
    except datasets.BadData as error:
        raise typer.BadParameter(str(error), param_hint="--data") from error
    result = run_study(
        way,
        {name: task.corpus for name, task in tasks.items()},
        lambda subject, name: _study(subject, name, tasks[name], chosen, plan),
        answers=False,
        configuration={
            "data": [str(folder) for folder in data],
            "sample": sample,
            "seed": seed,
            "concurrency": concurrency,
            "top_k": plan.top_k,
        },
    )
    results = result["results"].items()
    show((retrieval_table(name, found), retrieval_notes(found)) for name, found in results)
    figures = (
        (name, stage, found["stages"][stage])
        for name, found in results
        for stage in found["stages"]
    )
    keep(result, figures, output=output, mlflow_url=mlflow)


def _parse_stages(text: str) -> list[Stage]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in STAGES]
    if unknown or not names:
        raise typer.BadParameter(
            f"'{', '.join(unknown) or text}' is not among {', '.join(STAGES)}.",
            param_hint="--stages",
        )
    return [STAGES[name] for name in dict.fromkeys(names)]


def _read(folder: Path, sample: int | None, seed: int) -> _Task:
    corpus, queries = datasets.read_corpus(folder), datasets.read_queries(folder)
    judgements = datasets.read_judgements(folder)
    judged = judged_queries(queries, judgements)
    if not judged:
        raise datasets.BadData(f"{folder}: no query has a document that is judged relevant.")
    asked = dict(pick(list(judged.items()), sample, seed=seed))
    return _Task(corpus, asked, judgements, len(queries) - len(judged))


async def _study(
    subject: Subject, dataset: str, task: _Task, stages: Sequence[Stage], plan: Plan
) -> dict[str, Any]:
    found = {
        stage.name: await study_stage(subject, dataset, stage, task.queries, task.judgements, plan)
        for stage in stages
    }
    return {"queries": len(task.queries), "left_out": task.left_out, "stages": found}


if __name__ == "__main__":
    typer.run(main)
