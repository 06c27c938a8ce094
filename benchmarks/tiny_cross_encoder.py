"""`python -m benchmarks.tiny_cross_encoder`: a cross-encoder without judgement, made here in a
second.

It has everything that the engine `cross-encoder` reads: configuration, the tokenizer of the
packaged model, weights. Its scores are noise, but always the same noise for the same pair, so it is
good for what does not depend on their meaning: tests of the engine, and the speed of a shape.
"""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.output import make_console
from deployments.encoding.weights import PACKAGED_MODEL, model_path

_MAX_TOKENS = 256
_WEIGHT_STD = 0.2
"""Ten times what one trains from: with small weights all pairs get the same score."""


def main(
    out: Annotated[Path, typer.Argument(help="Folder to write; made if it is not there.")],
    layers: Annotated[int, typer.Option(min=1, help="Layers of 128 dimensions.")] = 2,
    seed: Annotated[int, typer.Option(help="Another seed gives other weights.")] = 0,
) -> None:
    """Write a BERT cross-encoder with random weights. No network is needed.

    Example: python -m benchmarks.tiny_cross_encoder /tmp/tiny-cross-encoder

    In a retrieval application: reranker: {engine: cross-encoder, model: /tmp/tiny-cross-encoder}.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    build_tiny_cross_encoder(out, layers=layers, seed=seed)
    size_mb = sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 1e6
    make_console().print(
        f"{out}: a cross-encoder of {layers} layers, seed {seed}, {size_mb:.1f} MB"
    )


def build_tiny_cross_encoder(out: Path, *, layers: int = 2, seed: int = 0) -> None:
    """Writes the model to a folder; equal seeds give equal weights. Its scores are unbounded, as
    those of most published cross-encoders."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    tokenizer = AutoTokenizer.from_pretrained(model_path(PACKAGED_MODEL))
    tokenizer.model_max_length = _MAX_TOKENS
    config = BertConfig(  # type: ignore[call-arg]
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_labels=1,
        initializer_range=_WEIGHT_STD,
        max_position_embeddings=_MAX_TOKENS,
        sentence_transformers={"activation_fn": "torch.nn.modules.linear.Identity"},
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BertForSequenceClassification(config)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    typer.run(main)
