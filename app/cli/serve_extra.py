"""Whether this installation has the service itself, or only what speaks to one."""

from importlib.util import find_spec

from app.client.errors import CliError

_PACKAGES = ("ray", "fastapi", "chromadb", "mlflow")


def require_serve_extra(verb: str) -> None:
    """Makes sure that the packages are there which a verb starts the service with.

    Args:
        verb: As the person typed it.

    Raises:
        CliError: they are not; says what to install.
    """
    if any(find_spec(package) is None for package in _PACKAGES):
        raise CliError(
            f"`ragserve {verb}` needs the service's own packages: pip install 'ragserve[serve]'",
            "What is installed speaks to a service that runs elsewhere: ragserve ask --url URL",
        )
