"""The vector store: there is one, which holds all documents."""

from typing import Annotated

from fastapi import Depends, Path

from app.schemas.files.stores import STORE
from deployments.contracts.errors import NotFound

_NAME = "default"


def require_store(asked: str) -> None:
    """Raises NotFound for a name that is not the store's."""
    if asked not in (STORE, _NAME):
        raise NotFound(f"There is no vector store '{asked[:64]}'; '{STORE}' holds all documents.")


async def _known_store(
    vector_store_id: Annotated[str, Path(max_length=256, examples=[STORE])],
) -> None:
    require_store(vector_store_id)


IN_STORE = [Depends(_known_store)]
"""Of a route below a store: that there is such a store."""
