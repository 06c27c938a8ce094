"""`ragserve doctor`: what is wrong with this machine or a cluster, and what to do about it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import DEFAULT_HOME, AddressOption, HomeOption, TokenFileOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.doctor.finding import Finding

_DEFAULT_CONFIG = Path("serve_config.yaml")


def doctor(
    config: Annotated[
        Path, typer.Option("--config", "-c", help="The Serve config to look at.", metavar="FILE")
    ] = _DEFAULT_CONFIG,
    home: HomeOption = DEFAULT_HOME,
    node: Annotated[
        bool,
        typer.Option(
            "--node",
            help="This machine is a node of a cluster: look at the variables of `ragserve env`, at "
            "state that is local to it, and at the servers that the config names.",
        ),
    ] = False,
    address: AddressOption = None,
    token_file: TokenFileOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Find what is wrong with this machine, and say the remedy. Exit code 1 if something is.

    With --address it looks at that cluster instead: whether the config has room on its nodes, and
    which applications do not run. Nothing is changed.

    Example: ragserve doctor

    A cluster: ragserve doctor --config serve_config.cluster.yaml --address http://head:8265
    """
    from app.cli.serve_extra import require_serve_extra

    require_serve_extra("doctor")
    import os

    from app.doctor.examination import Examination
    from app.doctor.finding import Verdict, worst
    from app.local.home import Home

    examination = Examination(
        environment=os.environ,
        config=config,
        home=Home(home),
        node=node,
        named=config != _DEFAULT_CONFIG,
    )
    if address is None:
        findings = list(examination.of_machine())
    else:
        findings = list(examination.of_cluster(address, token_file))
    verdict = worst(findings)
    if as_json:
        parts = [
            {
                "name": finding.name,
                "verdict": finding.verdict,
                "found": finding.found,
                "remedy": finding.remedy,
            }
            for finding in findings
        ]
        typer.echo(json.dumps({"verdict": verdict, "findings": parts}, indent=2))
    else:
        _print(findings)
    if verdict is Verdict.WRONG:
        raise typer.Exit(1)


def _print(findings: "Sequence[Finding]") -> None:
    from collections import Counter

    from rich.markup import escape

    from app.cli.output import make_console
    from app.doctor.finding import Verdict

    styles = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.WRONG: "bold red"}
    console = make_console()
    for finding in findings:
        word = f"[{styles[finding.verdict]}]{finding.verdict:<7}[/]"
        console.print(f"{word}  {escape(finding.name)}: {escape(finding.found)}")
        if finding.remedy:
            console.print(f"         -> {escape(finding.remedy)}")
    counts = Counter(finding.verdict for finding in findings)
    console.print("\n" + ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict))
