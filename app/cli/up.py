"""`ragserve up`: the whole service on this machine, in the background."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from app.cli.options import DEFAULT_HOME, HomeOption, TimeoutOption

if TYPE_CHECKING:
    from rich.console import Console

    from app.local.generator_choice import GeneratorChoice
    from app.local.home import Home
    from app.local.state import StackState


def up(
    config: Annotated[
        Path, typer.Option("--config", "-c", help="The Serve config to deploy.", metavar="FILE")
    ] = Path("serve_config.yaml"),
    home: HomeOption = DEFAULT_HOME,
    port: Annotated[
        int | None,
        typer.Option(help="Port of the API, instead of the config's.", min=1, max=65535),
    ] = None,
    chroma: Annotated[bool, typer.Option(help="Start a Chroma server, or leave it out.")] = True,
    chroma_port: Annotated[int, typer.Option(help="Its port, as the config names it.")] = 8100,
    mlflow: Annotated[bool, typer.Option(help="Start an MLflow server, or leave it out.")] = True,
    mlflow_port: Annotated[int, typer.Option(help="Its port, as the config names it.")] = 5000,
    engine: Annotated[
        str | None,
        typer.Option(
            help="Put a language model in front of the config's generator: `vllm` runs it here, "
            "`openai` asks a server.",
            metavar="vllm|openai",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Its model: a folder, or a name on Hugging Face or of the server."),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(help="Where `--engine openai` finds its server, with the version: .../v1"),
    ] = None,
    auth: Annotated[
        bool,
        typer.Option(
            "--auth", help="Ask for keys, whatever the config says, and print a first key once."
        ),
    ] = False,
    haproxy: Annotated[
        bool,
        typer.Option(
            help="Let HAProxy take the requests and replicas talk over gRPC, or leave all to "
            "Serve's own defaults, which are slower."
        ),
    ] = True,
    log_mb: Annotated[
        int,
        typer.Option(
            help="Size in MB at which a log is compressed and begun anew; 3 older parts of each "
            "are kept, and 32 times as much of all together.",
            min=1,
        ),
    ] = 16,
    timeout_s: TimeoutOption = 180.0,
) -> None:
    """Start Chroma, MLflow and Ray here, deploy the config, and return once the API is ready.

    They go on in the background. Run it again to deploy a config that changed.

    Example: ragserve up --engine vllm --model Qwen/Qwen3-0.6B
    """
    from app.cli.serve_extra import require_serve_extra

    require_serve_extra("up")
    from app.cli.output import Progress, make_console, summary
    from app.cluster.checks import check_config
    from app.local.home import Home
    from app.local.log_rotation import LogLimits
    from app.local.planning import UpOptions
    from app.local.starting import launch

    # A plain `kill` and a closed terminal clean up just as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = make_console()
    stack_home = Home(home)
    options = UpOptions(
        config_file=config,
        api_port=port,
        chroma_port=chroma_port if chroma else None,
        mlflow_port=mlflow_port if mlflow else None,
        haproxy=haproxy,
        generator=_generator_choice(engine, model, base_url),
        log_limits=LogLimits.of_file(log_mb * 2**20),
        auth=auth,
    )
    with Progress(console) as timeline:
        command = launch(stack_home, timeline=timeline, check=check_config, timeout_s=timeout_s)
        result = command.bring_up(options)
    console.print()
    if result.was_up:
        done = "deployed the changed config" if result.deployed else "ready, config unchanged"
        console.print(f"[bold green]Already up[/]: {done}.")
    else:
        console.print(f"[bold green]Up[/] in {timeline.elapsed_s():.1f} s: {summary(timeline)}.")
    for note in result.notes:
        console.print(note)
    if auth:
        _print_first_key(console, result.state.api_url, home)
    _print_next_steps(console, result.state, stack_home)


def _generator_choice(
    engine: str | None, model: str | None, base_url: str | None
) -> "GeneratorChoice | None":
    from app.local.generator_choice import GeneratorChoice

    if engine is None and model is None and base_url is None:
        return None
    if engine not in ("vllm", "openai"):
        raise typer.BadParameter("choose vllm or openai", param_hint="--engine")
    if model is None:
        raise typer.BadParameter(f"--engine {engine} needs one", param_hint="--model")
    if (engine == "openai") != (base_url is not None):
        raise typer.BadParameter(
            "goes with --engine openai, and only with it", param_hint="--base-url"
        )
    folder = Path(model).expanduser()
    # Replicas do not share this working directory.
    named = str(folder.resolve()) if engine == "vllm" and folder.is_dir() else model
    return GeneratorChoice(engine, named, base_url)


def _print_next_steps(console: "Console", state: "StackState", home: "Home") -> None:
    console.print()
    for name, url in state.urls.items():
        note = (
            f"   [dim]asks for the token in {home.ray_token}[/]" if name == "Ray dashboard" else ""
        )
        console.print(f"  {name:<14} {url}{note}")
    console.print("\nNext:")
    console.print("  ragserve ingest PATH    put documents in")
    console.print('  ragserve ask "..."      ask about them')
    console.print("  ragserve down           stop everything")
    console.print(f"\nThe operators' key (ragserve rollout, /admin) is in {home.admin_key}")
    console.print("\nFor Serve's own commands in this terminal (serve deploy, serve status):")
    console.print(f"  source {home.ray_exports}")


def _print_first_key(console: "Console", url: str, home: Path) -> None:
    """Makes a key for a service that has none, and prints it."""
    from app.cli.operator import operator_service

    with operator_service(url, home) as service:
        if service.request("GET", "/admin/keys?limit=1")["keys"]:
            console.print("\nKeys are asked for: ragserve keys list")
            return
        body = {"name": "first key", "scopes": ["query", "ingest", "usage"]}
        made = service.request("POST", "/admin/keys", body, repeat="unsent")
    console.print("\nKeys are asked for. The first one, which cannot be shown again:")
    console.print(f"  export RAGSERVE_API_KEY={made['secret']}")


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
