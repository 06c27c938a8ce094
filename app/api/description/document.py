"""`python -m app.api.description.document FILE`: writes the API's description, from which clients
are made without a running service."""

import json
import sys
from pathlib import Path

from app.api.application import routed_app


def document() -> str:
    """Returns the description as JSON that diffs well."""
    return json.dumps(routed_app().openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
