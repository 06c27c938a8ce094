"""`ragserve ask` and `ragserve search`: a question to the running service."""

import json
from typing import Annotated, Any

import typer

from app.cli.options import UrlOption
from app.client.address import DEFAULT_URL

FilterOption = Annotated[
    str | None,
    typer.Option(
        "--filter", help="""Metadata filter as JSON, such as '{"path": "docs/api.md"}'."""
    ),
]
TopNOption = Annotated[
    int | None, typer.Option("--top-n", help="How many chunks to show.", min=1, max=100)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the service's answer as JSON.")]


def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotes.")],
    url: UrlOption = DEFAULT_URL,
    top_n: TopNOption = None,
    where: FilterOption = None,
    as_json: JsonOption = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            help="Print the answer while it is written, or when it is whole.",
            show_default="on a terminal",
        ),
    ] = None,
) -> None:
    """Ask a question; the answer comes with its sources.

    Example: ragserve ask "What happens when a queue is full?"
    """
    from app.cli.output import make_console

    console = make_console()
    body = _body(question, top_n, where)
    if as_json:
        answer = _post("/v1/query", url, body)
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    if console.is_terminal if stream is None else stream:
        answer = _print_as_written(console, url, body)
    else:
        answer = _post("/v1/query", url, body)
        console.print(answer["answer"], style=_style(answer), markup=False, highlight=False)
    console.print()
    cited = {citation["source"] for citation in answer["citations"]}
    shown = [source for source in answer["sources"] if source["index"] in cited]
    _print_sources(console, shown)
    _print_footer(console, answer)


def search(
    query: Annotated[str, typer.Argument(help="What to look for, in quotes.")],
    url: UrlOption = DEFAULT_URL,
    top_n: TopNOption = None,
    where: FilterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the chunks that fit a question best, without an answer.

    Example: ragserve search "what restarts a replica" --top-n 3
    """
    found = _post("/v1/search", url, _body(query, top_n, where))
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    from rich.markup import escape

    from app.cli.output import make_console

    console = make_console()
    if not found["results"]:
        console.print("Nothing found. Is anything ingested? Try: ragserve ingest PATH")
    for source in found["results"]:
        _print_sources(console, [source])
        console.print(escape(source["text"].strip()), style="dim")
        console.print()
    _print_footer(console, found)


def _print_as_written(console: Any, url: str, body: dict[str, Any]) -> dict[str, Any]:
    """Prints the pieces of an answer as they come, and returns the answer with its sources."""
    from app.client.api_client import ApiClient

    answer: dict[str, Any] = {}
    with ApiClient(url, timeout_s=60.0) as service:
        for event, data in service.stream("/v1/query", body):
            if event == "delta":
                console.print(data["text"], end="", style="bold", markup=False, highlight=False)
            elif event in ("sources", "done"):
                answer |= data
    console.print()
    return answer


def _style(answer: dict[str, Any]) -> str:
    return "bold" if answer["grounded"] else "yellow"


def _post(path: str, url: str, body: dict[str, Any]) -> dict[str, Any]:
    from app.client.api_client import ApiClient

    with ApiClient(url, timeout_s=60.0) as service:
        return service.post(path, body)


def _body(query: str, top_n: int | None, where: str | None) -> dict[str, Any]:
    from app.client.errors import CliError

    body: dict[str, Any] = {"query": query}
    if top_n is not None:
        body["top_n"] = top_n
    if where is not None:
        try:
            body["filter"] = json.loads(where)
        except ValueError as error:
            raise CliError(f"--filter is not JSON: {error}") from error
    return body


def _print_sources(console: Any, sources: list[dict[str, Any]]) -> None:
    from rich.markup import escape

    for source in sources:
        place = source["path"] + (f", page {source['page']}" if source["page"] else "")
        heading = f"  {source['heading']}" if source["heading"] else ""
        console.print(
            f"[cyan]\\[{source['index']}][/] {escape(place)}[dim]{escape(heading)}"
            f"  score {source['score']:.2f}[/]"
        )


def _print_footer(console: Any, answer: dict[str, Any]) -> None:
    timings = answer["timings"]
    stages = ", ".join(
        f"{name} {spent['total_ms']:.0f}" for name, spent in timings["stages"].items()
    )
    line = f"{timings['total_ms']:.0f} ms ({stages}) · release {answer['release']}"
    if answer["degraded"]:
        line += f" · without {', '.join(answer['degraded'])}"
    console.print(f"[dim]{line}[/]")
