"""The programs that the package installs: they make sure that the code is ours before they run it.

`app` and `deployments` are names that a project of yours may have, too, and Python takes the first
one on its path. Nothing of either is imported before that is known.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

_ROOMS = ("app", "deployments")


def main() -> None:
    """Runs `ragserve`, or exits with 1 and the path of the package that is in its way."""
    _require_ours()
    import_module("app.cli.main").main()


def haproxy() -> None:
    """Runs `ragserve-haproxy`, or exits as `main` does."""
    _require_ours()
    import_module("app.cluster.haproxy_launcher").main()


def shadowed(name: str) -> str | None:
    """Returns where a package lies that Python takes for ours, None where it takes ours.

    Ours come from one distribution, so they lie beside this package.
    """
    own = Path(__file__).resolve().parents[1] / name
    spec = find_spec(name)
    if spec is None:
        return f"nowhere ({own} is missing)"
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    if any(place.resolve() == own for place in places):
        return None
    return str(spec.origin or (places[0] if places else own))


def _require_ours() -> None:
    for name in _ROOMS:
        place = shadowed(name)
        if place is not None:
            sys.stderr.write(
                f"Error: Python finds another package `{name}` before that of ragserve: {place}\n"
                "Rename it, or take its folder out of PYTHONPATH; in a virtual environment of its "
                "own, ragserve meets no other package.\n"
            )
            sys.exit(1)
