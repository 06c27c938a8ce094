"""`ragserve env`: what the nodes of a cluster need in their environment."""

from typing import Annotated

import typer


def env(
    database_url: Annotated[
        str,
        typer.Option(help="PostgreSQL for rollouts, usage, keys and budgets.", metavar="URL"),
    ] = "postgresql://ragserve:PASSWORD@postgres/ragserve",
    limits_url: Annotated[
        str,
        typer.Option(help="Redis for rates; not the port 6379 of Ray's own.", metavar="URL"),
    ] = "redis://redis:6390/0",
    cache_url: Annotated[
        str,
        typer.Option(help="Redis for answers that are given again; none if empty.", metavar="URL"),
    ] = "",
    token_file: Annotated[
        str, typer.Option(help="Where the token of the cluster lies on each node.", metavar="FILE")
    ] = "/etc/ragserve/ray_token",
) -> None:
    """Print a shell file with all variables of a cluster's nodes, with new secrets.

    Keep what it printed: a second call makes other secrets, and keys made with the first are
    unknown then.

    Example: ragserve env --database-url postgresql://... > ragserve.env; chmod 600 ragserve.env
    """
    from app.cluster.environment import environment_lines

    lines = environment_lines(
        database_url=database_url,
        limits_url=limits_url,
        cache_url=cache_url,
        token_file=token_file,
    )
    for line in lines:
        typer.echo(line)
