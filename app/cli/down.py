"""`ragserve down`: stops what `ragserve up` started."""

from app.cli.options import DEFAULT_HOME, HomeOption


def down(home: HomeOption = DEFAULT_HOME) -> None:
    """Stop what `ragserve up` started here, and nothing else. Data and logs stay.

    Example: ragserve down
    """
    import time

    from app.cli.output import make_console
    from app.local.home import Home
    from app.local.stopping import take_down

    console = make_console()
    began_s = time.monotonic()
    result = take_down(Home(home))
    if result is None or result.stopped == 0:
        console.print(f"Nothing runs of {home}.")
        return
    forced = f", {result.killed} of them by force" if result.killed else ""
    took_s = time.monotonic() - began_s
    console.print(
        f"Stopped {result.stopped} processes{forced} in {took_s:.1f} s. Logs: {home}/logs"
    )
