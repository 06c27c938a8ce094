"""Vectors in OpenAI's form: thousands of them are written a few at a time, because whoever asks a
question meanwhile must not wait for all."""

import asyncio
import base64

import numpy as np
from pydantic_core import to_json

from app.schemas.models import EmbeddingsUsage, StageProvenance
from deployments.contracts.search import Embedded

_AT_ONCE = 16
"""Vectors that are written before others have their turn: about 1 ms for 384 dimensions."""


async def embeddings_json(
    embedded: Embedded,
    encoding_format: str,
    *,
    model: str,
    provenance: StageProvenance,
    cost_usd: float | None = None,
) -> bytes:
    """Returns an `EmbeddingsResponse` as JSON; `encoding_format` is `float` or `base64`, `model`
    what the request named, `cost_usd` what it cost."""
    pieces = [b'{"object":"list","data":[']
    for index, vector in enumerate(embedded.vectors):
        entry = {
            "object": "embedding",
            "index": index,
            "embedding": _encode(vector, encoding_format),
        }
        pieces += (b"," if index else b"", to_json(entry))
        if index % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
    tokens = sum(embedded.token_counts)
    usage = EmbeddingsUsage(prompt_tokens=tokens, total_tokens=tokens, cost_usd=cost_usd)
    rest = {"model": model, "usage": usage.model_dump(), "ragserve": provenance.model_dump()}
    return b"".join([*pieces, b"],", to_json(rest)[1:]])


def _encode(vector: np.ndarray, encoding_format: str) -> list[float] | str:
    if encoding_format == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    values: list[float] = vector.tolist()
    return values
