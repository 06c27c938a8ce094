"""The workloads: a model, and the items that arrive for it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.batching_study.models import Run, constant_model, per_token_model
from benchmarks.texts import guide_pages, read_texts
from deployments.embedder.config import EmbedderArgs
from deployments.encoding.weights import PACKAGED_MODEL, tokenizer_path

CONSTANT_RUN_S = 0.020
BASE_RUN_S = 0.002
TOKEN_RUN_S = 10e-6
MAX_LENGTH_TOKENS = 256
_NO_TOKEN_BOUND = 2**31


@dataclass(frozen=True, slots=True)
class Workload:
    """A model with the items it is given."""

    name: str
    run: Run
    items: Sequence[Any]
    token_counts: Sequence[int]
    """Tokens per item."""
    max_batch_tokens: int
    """Padded tokens of a batch, for a batcher that counts them."""
    concurrent_batches: int
    """Runs that fill the device; every batcher may have that many at once."""
    computes_padding: bool = True
    """Whether a batch costs its longest item times its items, or the sum of its items."""
    description: dict[str, Any] = field(default_factory=dict)
    first_of_shape_is_slow: bool = False
    """Whether the model prepares for every new pair of batch size and padded length."""

    def draw(self, count: int, seed: int) -> list[int]:
        """Returns the places of `count` items drawn at random, the same for the same seed."""
        places: list[int] = np.random.default_rng(seed).integers(0, len(self.items), count).tolist()
        return places


def constant(texts: Path | None) -> Workload:
    """Returns a model that takes 20 ms for any batch; all items are alike."""
    return _constant("constant", [1])


def constant_mixed(texts: Path | None) -> Workload:
    """Returns a model that takes 20 ms for any batch, as a large GPU does for short texts; lengths
    are those of real paragraphs, and do not matter to it."""
    return _constant("constant-mixed", _paragraph_lengths())


def _constant(name: str, lengths: list[int]) -> Workload:
    return Workload(
        name,
        constant_model(CONSTANT_RUN_S),
        items=lengths,
        token_counts=lengths,
        max_batch_tokens=_NO_TOKEN_BOUND,
        concurrent_batches=1,
        description={"run_ms": CONSTANT_RUN_S * 1e3, **_lengths(lengths)},
    )


def per_token(texts: Path | None) -> Workload:
    """Returns a model whose time grows with padded tokens; lengths are those of real paragraphs."""
    lengths = _paragraph_lengths()
    return Workload(
        "per-token",
        per_token_model(BASE_RUN_S, token_s=TOKEN_RUN_S),
        items=lengths,
        token_counts=lengths,
        max_batch_tokens=_NO_TOKEN_BOUND,
        concurrent_batches=1,
        description={
            "base_ms": BASE_RUN_S * 1e3,
            "padded_token_us": TOKEN_RUN_S * 1e6,
            **_lengths(lengths),
        },
    )


def encoder(texts: Path | None) -> Workload:
    """Returns the packaged embedding model as the service runs it, with the texts of a file or,
    without one, the sentences of the guide."""
    from deployments.generator.extractive.reading.sentences import sentences

    if texts is not None:
        found = read_texts(texts)
    else:
        found = [sentence for page in guide_pages() for sentence in sentences(page)]
    settings = EmbedderArgs()
    model = settings.load_encoder()
    token_ids = model.tokenize(found)
    lengths = [len(ids) for ids in token_ids]
    return Workload(
        "encoder",
        lambda batch: list(model.encode(batch)),
        items=token_ids,
        token_counts=lengths,
        max_batch_tokens=settings.max_batch_tokens or model.batch_tokens,
        concurrent_batches=model.concurrent_batches,
        computes_padding=model.computes_padding,
        description={
            "model": settings.model,
            "max_batch_tokens": settings.max_batch_tokens or model.batch_tokens,
            "texts": "the guide" if texts is None else texts.name,
            **_lengths(lengths),
        },
        first_of_shape_is_slow=True,
    )


WORKLOADS: dict[str, Callable[[Path | None], Workload]] = {
    "constant": constant,
    "constant-mixed": constant_mixed,
    "per-token": per_token,
    "encoder": encoder,
}


def _paragraph_lengths() -> list[int]:
    """Returns the tokens of every paragraph of the guide, cut to MAX_LENGTH_TOKENS."""
    from tokenizers import Tokenizer

    pages = guide_pages()
    paragraphs = [part for page in pages for part in re.split(r"\n\s*\n", page) if part.strip()]
    tokenizer = Tokenizer.from_file(str(tokenizer_path(PACKAGED_MODEL)))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_LENGTH_TOKENS)
    return [len(encoding.ids) for encoding in tokenizer.encode_batch_fast(paragraphs)]


def _lengths(token_counts: Sequence[int]) -> dict[str, Any]:
    return {
        "texts_count": len(token_counts),
        "tokens_mean": round(float(np.mean(token_counts)), 1),
        "tokens_p95": float(np.percentile(token_counts, 95)),
    }
