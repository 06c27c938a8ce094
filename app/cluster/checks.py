"""Everything that is checked of a config before it is deployed."""

import sys

from app.client.errors import CliError
from app.cluster.own_packages import require_own_packages
from app.cluster.serve_config import ServeConfig
from app.cluster.serve_schema import check_serve_schema
from deployments.contracts.errors import RagError


def check_config(config: ServeConfig) -> None:
    """Refuses a config that Serve or one of our applications would refuse.

    Raises:
        CliError: What is wrong with it.
    """
    require_own_packages(config.path.parent)
    code_dir = str(config.path.parent)
    if code_dir not in sys.path:
        sys.path.append(code_dir)  # where the replicas will look too
    check_serve_schema(config.document, source=config.path.name)
    # Imported here: it knows every application's settings, which only this moment needs.
    from app.settings.check import check_content

    try:
        check_content(config.document, config.path)
    except (RagError, ValueError) as error:
        raise CliError(
            f"{config.path.name} does not fit its applications", detail=str(error)
        ) from None
