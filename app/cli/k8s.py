"""`ragserve k8s`: the service on Kubernetes, for those without Helm."""

from pathlib import Path
from typing import Annotated

import typer

k8s = typer.Typer(name="k8s", help="The service on Kubernetes with KubeRay.", no_args_is_help=True)


@k8s.command()
def render(
    values: Annotated[
        list[Path] | None,
        typer.Option(
            "--values",
            "-f",
            help="What differs from the chart's values; repeat it.",
            metavar="FILE",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="A Serve file in place of the preset.", metavar="FILE"),
    ] = None,
    release: Annotated[
        str, typer.Option(help="The name under which all of it is deployed.")
    ] = "ragserve",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Where to.")] = "default",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A folder; else all is printed.", metavar="DIR"),
    ] = None,
) -> None:
    """Write the manifests that the Helm chart makes of these values; the Serve file is checked.

    Example: ragserve k8s render --values mine.yaml | kubectl apply -f -
    """
    from app.cli.serve_extra import require_serve_extra

    require_serve_extra("k8s render")
    from app.cluster.chart.manifests import manifests, read_values

    texts = manifests(
        read_values(values or (), config=config), release=release, namespace=namespace
    )
    if output is None:
        typer.echo("---\n".join(texts.values()), nl=False)
        return
    output.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (output / name).write_text(text, encoding="utf-8")
        typer.echo(f"Wrote {output / name}", err=True)
