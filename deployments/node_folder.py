"""The folder of a node for what is made of the store, and made again where it is lost."""

import os
from pathlib import Path

FOLDER_VARIABLE = "RAGSERVE_INDEX_DIR"
"""Names the folder where the settings do not."""


def node_folder(path: str | None) -> Path | None:
    """Returns the folder that the settings name, or else the environment; None where neither does,
    and everything is in memory.

    Args:
        path: Of the settings; empty means none at all, whatever the environment says.
    """
    found = os.environ.get(FOLDER_VARIABLE) if path is None else path
    return Path(found) if found else None
