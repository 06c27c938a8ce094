"""Whether the replicas of a config would import our packages, or others that have their names.

`app` and `deployments` are names that other projects have, too. Python takes the first one on its
path, and Serve's own words for that are only that `app.builder` cannot be imported.
"""

import re
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

from app.client.errors import CliError

_ROOT = Path(__file__).resolve().parents[2]
_WHAT_MAKES_IT_OURS = {"app": "builder.py", "deployments": "contracts"}
_MISSING = re.compile(
    r"No module named '(?P<module>(?P<name>app|deployments)(?:\.[\w.]+)?)'(?P<end>; [^\n]*)?"
    r"|cannot import name '\w+' from '(?P<room>app|deployments)[\w.]*' \((?P<file>[^)]+)\)"
)


def foreign_packages(folders: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Yields each of our names that means another package, and the file or folder of that.

    Args:
        folders: What Python would look through, in this order, before it comes to our packages.
    """
    places = [str(folder) for folder in folders]
    for name, part in _WHAT_MAKES_IT_OURS.items():
        spec = PathFinder.find_spec(name, places)
        # A folder without __init__.py is none of these: a package further back goes before it.
        if spec is None or spec.origin is None:
            continue
        file = Path(spec.origin)
        if not (spec.submodule_search_locations and (file.parent / part).exists()):
            yield name, file.parent if spec.submodule_search_locations else file


def require_own_packages(folder: Path) -> None:
    """Refuses a folder whose packages replicas would take for ours.

    Args:
        folder: That of the config, where replicas look first.

    Raises:
        CliError: names the package that is in the way.
    """
    for name, place in foreign_packages([folder]):
        raise CliError(
            f"{place} would be taken for the package `{name}` of ragserve, because replicas look "
            "in the folder of the config first",
            "Put the config into a folder of its own: ragserve init DIR. Or rename the package.",
        )


def shadow_hint(explanation: str) -> str:
    """Returns what to do where an application failed because another package has the name of ours;
    empty where it failed for another reason.

    Args:
        explanation: Serve's words, with the traceback of the replica.
    """
    found = _MISSING.search(explanation)
    if found is None:
        return ""
    name = found["name"] or found["room"]
    where = f" ({found['file']})" if found["file"] else ""
    if not where and found["module"] == name and not found["end"]:
        return "The nodes do not have the package: pip install 'ragserve[serve]' on each of them."
    return (
        f"Another package `{name}`{where} is found before that of ragserve on the nodes. On each, "
        "`ragserve doctor --node` names its path: rename it, or take it out of PYTHONPATH."
    )


def require_own_deployments() -> None:
    """Refuses to go on in a process whose `deployments` is not the one beside our `app`.

    Raises:
        ImportError: names the package that is in the way.
    """
    spec = find_spec("deployments")  # an editable installation has a finder of its own
    own = _ROOT / "deployments"
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    if not any(Path(place).resolve() == own for place in places):
        found = "none" if spec is None else spec.origin or places
        raise ImportError(
            f"Python finds another package `deployments` before that of ragserve: {found}. Rename "
            "it, or take its folder out of PYTHONPATH."
        )
