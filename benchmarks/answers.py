"""`python -m benchmarks.answers`: how good answers are, on questions whose answers are known, and
how well what the documents do not say is refused; through the product's own code.

The documents go through its indexer, and each question through its whole way to an answer. What a
config file deploys is what is measured, in this process or, with `--http`, in a running service.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from benchmarks.quality import datasets, options
from benchmarks.quality.answers_study import ask_all, judge
from benchmarks.quality.command import keep, run_study, show
from benchmarks.quality.deployed import DEFAULT_CONFIG
from benchmarks.quality.report import answers_notes, answers_table, types_table
from benchmarks.quality.retrieval_study import pick
from benchmarks.quality.subject import Subject
from benchmarks.quality.way import Tuning, check_names, read_way

_STAGE = "answers"


def main(
    data: options.DataOption,
    sample: options.SampleOption = None,
    http: options.HttpOption = None,
    config: options.ConfigOption = DEFAULT_CONFIG,
    release: options.ReleaseOption = None,
    index: options.IndexOption = None,
    top_k: options.TopKOption = None,
    max_chunk_tokens: options.ChunkTokensOption = None,
    overlap_tokens: options.OverlapOption = None,
    settings: options.SetOption = None,
    concurrency: options.ConcurrencyOption = 16,
    no_filter: options.NoFilterOption = False,
    clean: options.CleanOption = False,
    seed: options.SeedOption = 7,
    mlflow: options.MlflowOption = None,
    output: options.OutputOption = None,
) -> None:
    """Measure whether answers hold the known one, how long they are, and what is refused.

    A data set is a folder with corpus.jsonl {id, title, text} and qa.jsonl {id, question, answers,
    answerable}; each may end in .gz. An answer is right if one of `answers` stands in it as whole
    words, after SQuAD's normalisation. Questions with a `long_answer` in place of short ones are
    judged by the share of its words that the answer has. Refusing is also said by type of question:
    with a number, negated, and the rest. Intervals are 95 %, by bootstrap over questions.

    Example: python -m benchmarks.answers --data squad2_half --index .ragserve/quality --sample 500

    A running service: python -m benchmarks.answers --data squad2_half --http http://127.0.0.1:8000
    """
    way = read_way(
        config=config,
        release=release,
        tuning=Tuning(top_k, max_chunk_tokens, overlap_tokens, settings=settings or ()),
        http=http,
        index=index,
        no_filter=no_filter,
        clean=clean,
    )
    folders = dict(zip(check_names(data), data, strict=True))
    try:
        corpora = {name: datasets.read_corpus(folder) for name, folder in folders.items()}
        asked = {name: _questions(folder, sample, seed) for name, folder in folders.items()}
    except datasets.BadData as error:
        raise typer.BadParameter(str(error), param_hint="--data") from error

    async def study(subject: Subject, dataset: str) -> dict[str, Any]:
        questions = asked[dataset]
        answers = await ask_all(subject, dataset, questions, at_once=concurrency)
        return judge(questions, answers, seed=seed)

    result = run_study(
        way,
        corpora,
        study,
        answers=True,
        configuration={
            "data": [str(folder) for folder in data],
            "sample": sample,
            "seed": seed,
            "concurrency": concurrency,
        },
    )
    results = result["results"].items()
    for name, found in results:
        show([(answers_table(name, found), ()), (types_table(name, found), answers_notes(found))])
    figures = ((name, _STAGE, found) for name, found in results)
    keep(result, figures, output=output, mlflow_url=mlflow)


def _questions(folder: Path, sample: int | None, seed: int) -> Sequence[datasets.JudgedQuestion]:
    return pick(datasets.read_questions(folder), sample, seed=seed)


if __name__ == "__main__":
    typer.run(main)
