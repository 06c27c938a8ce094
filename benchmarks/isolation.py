"""`python -m benchmarks.isolation`: random requests of two tenants with the same documents, and
whether a byte of the one ever comes to the other.

Needs a running service and a key of each of two tenants, with the scopes `query` and `ingest`. The
tenants should have no other documents: what is left at the end is compared with what should be.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import httpx
import typer

from app.cli.options import UrlOption
from app.cli.output import make_console
from app.client.address import DEFAULT_URL
from benchmarks.addresses import check_address
from benchmarks.isolation_study.fuzz import Findings, Fuzz
from benchmarks.isolation_study.party import Party
from benchmarks.load.output import Steps, progress, result_of, write_result

_TIMEOUT_S = 60.0


def main(
    keys: Annotated[
        list[str], typer.Option("--key", help="API key of a tenant; give one for each of two.")
    ],
    url: UrlOption = DEFAULT_URL,
    requests: Annotated[int, typer.Option(min=1, help="How many to send.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Draws the requests.")] = 0,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Look for bytes of one tenant in answers to another.

    Exits with 1 where there is one, or a document was lost.

    Example: python -m benchmarks.isolation --key "$FIRST" --key "$SECOND" --requests 10000
    """
    if len(set(keys)) < 2:
        raise typer.BadParameter("give two keys, of different tenants", param_hint="--key")
    try:
        address = check_address(url)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    console = make_console()
    with progress(requests, "requests") as steps:
        findings = asyncio.run(_fuzz(address, keys, requests, seed, steps))
    statuses = ", ".join(f"{status}: {n}" for status, n in sorted(findings.statuses.items()))
    console.print(f"{findings.requests} requests ({statuses})", markup=False)
    for line in (*findings.leaks, *findings.lost):
        console.print(line, markup=False)
    console.print(
        f"{len(findings.leaks)} answers with something of another tenant, "
        f"{len(findings.lost)} documents lost",
        markup=False,
    )
    if output is not None:
        results = {
            "requests": findings.requests,
            "statuses": dict(findings.statuses),
            "leaks": findings.leaks,
            "lost": findings.lost,
        }
        configuration = {"requests": requests, "seed": seed, "tenants": len(keys)}
        write_result(output, result_of(configuration=configuration, results=results))
    if not findings.is_right:
        raise typer.Exit(1)


async def _fuzz(url: str, keys: list[str], count: int, seed: int, steps: Steps) -> Findings:
    clients = [
        httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=_TIMEOUT_S
        )
        for key in keys
    ]
    try:
        parties = [Party(f"tenant-{place}", client) for place, client in enumerate(clients)]
        for party in parties:
            await party.prepare()
        return await Fuzz(parties, seed=seed).run(count, done=lambda: steps.done("requests"))
    finally:
        for client in clients:
            await client.aclose()


if __name__ == "__main__":
    typer.run(main)
