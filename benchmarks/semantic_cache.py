"""`python -m benchmarks.semantic_cache`: how often a cache would give the answer of another
question, and how often that of the same one in other words.

Compares equal questions, nearness of vectors at several thresholds, and `semantic: verified`, on
questions whose right answers are known. Needs no service.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from app.cli.output import make_console
from app.settings.cold.cache import MIN_SIMILARITY
from benchmarks.load.output import progress, result_of, write_result
from benchmarks.semantic_study.questions import (
    CHANGES,
    BadSet,
    Labelled,
    read_paraphrases,
    read_set,
)
from benchmarks.semantic_study.study import EXACT, VERIFIED, study
from deployments.contracts.vectors import Vectors

_SIMILARITIES = "0.8,0.85,0.9,0.95,0.97,0.99"
_BATCH = 64


def main(
    sets: Annotated[
        list[Path],
        typer.Argument(
            help="Files of labelled questions: JSONL, or JSONL.gz, with `question` and `label`, or "
            "as SQuAD (`doc_id`, `answers`, `answerable`), MedQuAD (`focus`, `qtype`) or with the "
            "section that answers them (`text`, `source`)."
        ),
    ],
    paraphrases: Annotated[
        Path | None,
        typer.Option(help="JSONL with `question`, which one of the sets has, and `paraphrase`."),
    ] = None,
    similarities: Annotated[
        str, typer.Option(help="Thresholds of nearness alone, with commas.")
    ] = _SIMILARITIES,
    model: Annotated[
        str | None, typer.Option(help="Embedding model; the one that comes along if none.")
    ] = None,
    most: Annotated[int, typer.Option(min=4, help="Questions of a set at most.")] = 6000,
    changes: Annotated[int, typer.Option(min=1, help="Questions of each change of form.")] = 300,
    seed: Annotated[int, typer.Option(help="Draws questions and halves.")] = 7,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure false hits and right hits of caches on questions whose answers are known.

    Exits with 1 where the exact cache or `verified` gave the answer of another question.

    Example: python -m benchmarks.semantic_cache faq.jsonl --output semantic.json
    """
    console = make_console()
    try:
        thresholds = [float(one) for one in similarities.split(",")]
        read = {_name(path): _drawn(read_set(path), most, seed) for path in sets}
        pairs = read_paraphrases(paraphrases) if paraphrases else []
    except (BadSet, OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    embed = Embeddings(model)
    results = {}
    with progress(len(read) * (2 + len(CHANGES)), "questions") as steps:
        for name, questions in read.items():

            def done(label: str, name: str = name) -> None:
                steps.done(f"{name}: {label}")

            results[name] = study(
                questions,
                embed,
                similarities=thresholds,
                verified_similarities=[one for one in thresholds if one >= MIN_SIMILARITY],
                changes=changes,
                paraphrases=pairs,
                seed=seed,
                done=done,
            )
    for name, found in results.items():
        _show(console, name, found)
    if output is not None:
        configuration = {"model": embed.model, "most": most, "changes": changes, "seed": seed}
        write_result(output, result_of(configuration=configuration, results=results))
    if any(map(_is_wrong, results.values())):
        raise typer.Exit(1)


class Embeddings:
    """Vectors of texts by the product's own encoder, each computed once.

    Args:
        model: A sentence-transformers model by name or folder; None is the packaged one.
    """

    def __init__(self, model: str | None) -> None:
        from deployments.encoding.encoder import Encoder
        from deployments.encoding.weights import PACKAGED_MODEL

        self.model = model or PACKAGED_MODEL
        self._encoder = Encoder(self.model)
        self._known: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """See `Embed`."""
        # By length: a short text in a batch of long ones is padded.
        fresh = sorted({text for text in texts if text not in self._known}, key=len)
        prompt = self._encoder.prompts.get("query", "")
        for start in range(0, len(fresh), _BATCH):
            batch = fresh[start : start + _BATCH]
            vectors = self._encoder.encode(self._encoder.tokenize(batch, prompt=prompt))
            self._known.update(zip(batch, vectors, strict=True))
        if not texts:
            return np.zeros((0, self._encoder.dimension), dtype=np.float32)
        return np.stack([self._known[text] for text in texts])


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name.split('.')[0]}"


def _drawn(questions: list[Labelled], most: int, seed: int) -> list[Labelled]:
    return random.Random(seed).sample(questions, min(most, len(questions)))


def _is_wrong(found: dict[str, Any]) -> bool:
    of_kinds = [found["other_questions"], *found["same_questions"].values()]
    return any(
        row["false_hits"] for rows in of_kinds for row in rows if row["cache"] in (EXACT, VERIFIED)
    )


def _show(console: Console, name: str, found: dict[str, Any]) -> None:
    others = Table(title=f"{name}: questions not asked before", title_justify="left")
    for column in ("cache", "similarity", "asked", "right", "false", "per 1,000", "at most (95 %)"):
        others.add_column(column)
    for row in found["other_questions"]:
        others.add_row(
            *(row["cache"], f"{row['similarity']:g}", str(row["asked"]), str(row["right_hits"])),
            *(str(row["false_hits"]), f"{row['false_per_1000']:g}"),
            f"{row['false_per_1000_at_most']:g}",
        )
    console.print(others)
    same = Table(title=f"{name}: the same questions again, right hits in %", title_justify="left")
    kinds = list(found["same_questions"])
    for column in ("cache", "similarity", *kinds):
        same.add_column(column)
    for place, row in enumerate(found["other_questions"]):
        rows = [found["same_questions"][kind][place] for kind in kinds]
        shares = [f"{100 * one['right_hit_ratio']:.0f}" if one["asked"] else "-" for one in rows]
        same.add_row(row["cache"], f"{row['similarity']:g}", *shares)
    console.print(same)
    for way, pairs in found["examples"].items():
        for asked, given in pairs[:5]:
            console.print(f"{way}: '{asked}' was given the answer of '{given}'", markup=False)


cli = typer.Typer(add_completion=False)
cli.command()(main)

if __name__ == "__main__":
    cli()
