"""What reads query and passage together: a sentence-transformers `CrossEncoder`, or an ONNX graph
of one."""

import os
from collections.abc import Sequence
from typing import Any, Protocol

from deployments.encoding.config import EncodingArgs
from deployments.encoding.onnx_pairs import OnnxPairs
from deployments.encoding.weights import onnx_folder

Pair = tuple[str, str]


class PairModel(Protocol):
    """Judges pairs of query and passage, in two steps, so that a batcher can count tokens."""

    concurrent_batches: int
    computes_padding: bool
    batch_tokens: int

    def tokenize(self, pairs: Sequence[Pair]) -> list[tuple[Any, int]]:
        """Returns per pair what the model takes, and its tokens; thread-safe."""
        ...

    def predict(self, entries: Sequence[Any]) -> list[float]:
        """Returns a score in [0, 1] for each of what `tokenize` gave."""
        ...


class SentenceTransformersPairs:
    """A `CrossEncoder` by name or folder; one batch at a time, over all cores."""

    concurrent_batches = 1
    computes_padding = True
    batch_tokens = 4096

    def __init__(self, model: str, device: str | None) -> None:
        import torch
        from sentence_transformers import CrossEncoder
        from tokenizers import Tokenizer

        torch.set_num_threads(os.cpu_count() or 1)
        self._model = CrossEncoder(model, device=device)
        self._sigmoid = torch.nn.Sigmoid()
        # A copy to count with: the model's own belongs to the thread of the batch.
        self._counter = Tokenizer.from_str(self._model.tokenizer.backend_tokenizer.to_str())
        self._counter.no_padding()
        self._counter.enable_truncation(self._model.max_seq_length or 512)

    def tokenize(self, pairs: Sequence[Pair]) -> list[tuple[Pair, int]]:
        """See `PairModel.tokenize`."""
        encodings = self._counter.encode_batch_fast(list(pairs))
        return [(pair, len(one.ids)) for pair, one in zip(pairs, encodings, strict=True)]

    def predict(self, entries: Sequence[Pair]) -> list[float]:
        """See `PairModel.predict`."""
        scores = self._model.predict(
            list(entries),
            batch_size=len(entries),
            show_progress_bar=False,
            convert_to_numpy=True,
            # Some models give logits and some give this: one scale for thresholds.
            activation_fn=self._sigmoid,
        )
        return [float(score) for score in scores]


def load_pair_model(args: EncodingArgs) -> PairModel:
    """Returns the model that the settings name.

    Raises:
        ConfigError: it is not there, or cannot be run as the settings say.
    """
    folder = onnx_folder(args.model)
    if folder is None:
        return SentenceTransformersPairs(args.model, args.device)
    return OnnxPairs(
        folder,
        device=args.device,
        runtime=args.runtime,
        precision=args.precision,
        threads=args.threads,
    )
