"""A sentence-transformers model as what an encoder runs."""

import copy
import hashlib
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from deployments.encoding.openvino_runtimes import PackedOpenVino, PaddedOpenVino
from deployments.encoding.reading import Reading
from deployments.encoding.runtimes import (
    Builders,
    Precision,
    Runtime,
    RuntimeName,
    TorchRuntime,
    resolve_dtype,
)
from deployments.encoding.weights import model_path

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from deployments.encoding.runtimes import Features

_DIGESTED_NUMBERS = 1024


class SentenceTransformerSource:
    """See `deployments.encoding.encoder.Source`.

    Args:
        model: Name or folder of a sentence-transformers model.
        device: Torch device; None takes the GPU where there is one.
    """

    def __init__(self, model: str, device: str | None) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        self._torch = torch
        transformer = SentenceTransformer(model_path(model), device=device)
        transformer.eval()
        self.device = transformer.device
        self.dimension = int(transformer.get_embedding_dimension() or 0)
        self.tokenizer_json: str = transformer.tokenizer.backend_tokenizer.to_str()
        self.pad_id = int(transformer.tokenizer.pad_token_id or 0)
        self.reading = Reading("own", max_tokens=int(transformer.max_seq_length or 512))
        self.prompts = {name: text or "" for name, text in transformer.prompts.items()}
        self.digest = _digest(transformer)
        self._transformer, *self._pooling = transformer

    def pool(self, features: "Features", vectors: "torch.Tensor") -> "torch.Tensor":
        """Returns the vectors of texts, (n, dim)."""
        pooled = features | {"token_embeddings": vectors}
        for module in self._pooling:
            pooled = module(pooled)
        return pooled["sentence_embedding"]

    def reference(self, runtime: RuntimeName, precision: Precision, threads: int) -> Runtime:
        """Returns torch in float32."""
        return TorchRuntime(
            self._transformer, device=self.device, dtype=self._torch.float32, threads=threads
        )

    def attempts(
        self, runtime: RuntimeName, precision: Precision, threads: int
    ) -> Sequence[Builders]:
        """Returns OpenVINO and torch in the precision that was asked for; then, for a model that
        half the bits are too few for, in float32, where none was."""
        dtype, exact = resolve_dtype(precision, self.device), self._torch.float32
        first = self._builders(runtime, dtype, threads)
        if precision != "auto" or dtype == exact:
            return [first]
        return [first, self._builders(runtime, exact, threads)]

    def _builders(self, runtime: RuntimeName, dtype: "torch.dtype", threads: int) -> Builders:
        found: Builders = {}
        on_cpu = self.device.type == "cpu"
        if runtime in ("auto", "openvino") and on_cpu:
            for kind in (PackedOpenVino, PaddedOpenVino):
                build = partial(kind, self._transformer, dtype=dtype, threads=threads)
                found[kind.__name__] = build
        if runtime in ("auto", "torch") or not on_cpu:
            found["TorchRuntime"] = lambda: TorchRuntime(
                copy.deepcopy(self._transformer), device=self.device, dtype=dtype, threads=threads
            )
        return found


def _digest(transformer: "SentenceTransformer") -> str:
    """Returns 32 hex digits of the tokenizer and of the first numbers of every weight: training
    changes them all."""
    read = hashlib.sha256(transformer.tokenizer.backend_tokenizer.to_str().encode())
    read.update(str(transformer.max_seq_length).encode())
    for name, weight in transformer.state_dict().items():
        first = weight.flatten()[:_DIGESTED_NUMBERS].float().cpu().numpy()
        read.update(f"{name} {tuple(weight.shape)}".encode() + first.tobytes())
    return read.hexdigest()[:32]
