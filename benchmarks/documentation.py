"""`python -m benchmarks.documentation`: whether a reader of technical documentation would sign the
answers, on questions as people write them; through the product's own code.

The questions are about the guide in docs/ and about the documentation of FastAPI, which is no part
of this repository: without its folder those are left out.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.table import Table

from benchmarks.documentation_study.judging import VERDICTS, judge, summarise
from benchmarks.documentation_study.questions import (
    OWN,
    OWN_DOCUMENTS,
    Half,
    known_names,
    of_half,
    read_documentation,
    read_questions,
)
from benchmarks.documentation_study.wholeness import Blocks
from benchmarks.quality import options
from benchmarks.quality.answers_study import ask_texts
from benchmarks.quality.command import keep, run_study, show
from benchmarks.quality.datasets import BadData
from benchmarks.quality.deployed import DEFAULT_CONFIG
from benchmarks.quality.subject import Subject
from benchmarks.quality.way import Tuning, read_way


def main(
    documents: Annotated[
        list[str] | None,
        typer.Option(
            help="Folder with the Markdown files of a documentation, as fastapi=DIR; docs/ needs "
            "none. Can be given several times.",
            metavar="NAME=DIR",
        ),
    ] = None,
    half: Annotated[
        str, typer.Option(help="`dev`, to which settings may be fitted, `held`, or `both`.")
    ] = "both",
    show_answers: Annotated[
        bool, typer.Option("--show", help="Print each answer that is not right.")
    ] = False,
    http: options.HttpOption = None,
    config: options.ConfigOption = DEFAULT_CONFIG,
    release: options.ReleaseOption = None,
    index: options.IndexOption = None,
    settings: options.SetOption = None,
    concurrency: options.ConcurrencyOption = 8,
    clean: options.CleanOption = False,
    output: options.OutputOption = None,
) -> None:
    """Ask 150 questions about technical documentation, and judge the answers by what a right one
    must and must not hold: right, half right, wrong or refused, by type of question, and how many
    answers show a code block, a table or a list that is torn.

    Example: python -m benchmarks.documentation --documents fastapi=fastapi/docs/en/docs
    """
    if half not in (*get_args(Half), "both"):
        raise typer.BadParameter("It is dev, held or both.", param_hint="--half")
    way = read_way(
        config=config,
        release=release,
        tuning=Tuning(settings=settings or ()),
        http=http,
        index=index,
        no_filter=False,
        clean=clean,
    )
    try:
        folders = _folders(documents or ())
        found = {name: read_documentation(name, folder) for name, folder in folders.items()}
        asked = {name: read_questions(name) for name in found}
    except BadData as error:
        raise typer.BadParameter(str(error), param_hint="--documents") from error
    halves = [one for one in get_args(Half) if half in (one, "both")]

    async def study(subject: Subject, name: str) -> dict[str, Any]:
        blocks = Blocks(found[name].sources)
        figures: dict[str, Any] = {}
        for one in halves:
            questions = of_half(asked[name], one)
            answers = await ask_texts(
                subject, f"{name}, {one}", [question.text for question in questions], concurrency
            )
            judged = [
                judge(question, answer, blocks)
                for question, answer in zip(questions, answers, strict=True)
            ]
            if show_answers:
                for each in judged:
                    if each.verdict != "right":
                        print(f"\n[{each.verdict}] {' '.join(each.torn)} {each.question.id}")
                        print(f"? {each.question.text}  ({each.answer.answerability})")
                        print(each.answer.text)
            figures[one] = summarise(judged)
        return {"halves": figures}

    result = run_study(
        way,
        {name: documentation.documents for name, documentation in found.items()},
        study,
        answers=True,
        configuration={"documents": {name: str(folder) for name, folder in folders.items()}},
    )
    left_out = [
        f"{name}: left out, as nobody named its folder (--documents {name}=DIR)"
        for name in known_names()
        if name not in folders
    ]
    show((_table(name, figures), []) for name, figures in result["results"].items())
    show([("", left_out)] if left_out else [])
    keep(result, (), output=output, mlflow_url=None)


def _folders(named: Sequence[str]) -> dict[str, Path]:
    """Returns the folder of each documentation that is asked about."""
    folders = {OWN: OWN_DOCUMENTS}
    for one in named:
        name, equals, folder = one.partition("=")
        if not equals or name not in known_names():
            raise BadData(f"'{one}' is not NAME=DIR with one of: {', '.join(known_names())}.")
        folders[name] = Path(folder)
    return folders


def _table(name: str, figures: Mapping[str, Any]) -> Table:
    table = Table(title=f"{name}: {figures['documents']} documents, {figures['chunks']} chunks")
    for column in ("half", "type", *VERDICTS, "right share", "torn"):
        table.add_column(column)
    for half, found in figures["halves"].items():
        for kind, counts in found["by_type"].items():
            table.add_row(half, kind, *(str(counts[one]) for one in VERDICTS))
        table.add_row(
            half,
            "all",
            *(str(found[one]) for one in VERDICTS),
            f"{found['right_share']:.2f}",
            str(found["torn_answers"]),
            end_section=True,
        )
    return table


if __name__ == "__main__":
    typer.run(main)
