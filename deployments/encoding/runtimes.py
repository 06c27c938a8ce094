"""What computes the token embeddings of a model: torch, or OpenVINO on a CPU."""

import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

    Features = dict[str, torch.Tensor]


class Runtime(Protocol):
    """Runs the transformer of a sentence-transformers model, the module before its pooling."""

    concurrent_batches: int
    """Runs at once that fill the device: what a batcher may start."""

    computes_padding: bool
    """Whether a batch costs its longest text times its texts, or the sum of its texts."""

    batch_tokens: int
    """The cost of a batch beyond which a larger one gains nothing."""

    def token_embeddings(self, features: "Features") -> "torch.Tensor":
        """Returns (n, length, dim) float32 for `input_ids` and `attention_mask` of shape (n,
        length); what stands where the mask is 0 means nothing."""
        ...


class TorchRuntime:
    """The module as it is, in the arithmetic that was asked for.

    Args:
        transformer: First module of a sentence-transformers model. Its weights are converted in
            place: autocast alone would convert them again in every run.
        device: Where it lies.
        dtype: Arithmetic of the matrix products.
        threads: CPU threads of one run.
    """

    computes_padding = True

    def __init__(
        self,
        transformer: "torch.nn.Module",
        *,
        device: "torch.device",
        dtype: "torch.dtype",
        threads: int,
    ) -> None:
        import torch

        self._torch = torch
        self._transformer = transformer
        self._device = device
        self._dtype = dtype
        self._threads = threads
        self.concurrent_batches = concurrent_runs(threads) if device.type == "cpu" else 1
        # Small batches stay in a CPU's caches.
        self.batch_tokens = 1024 if device.type == "cpu" else 16_384
        for module in transformer.modules():
            if isinstance(module, torch.nn.Linear):
                module.to(dtype)

    def token_embeddings(self, features: "Features") -> "torch.Tensor":
        """See `Runtime.token_embeddings`."""
        torch = self._torch
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)  # a setting of the calling thread
        with (
            torch.inference_mode(),
            torch.autocast(
                self._device.type, dtype=self._dtype, enabled=self._dtype != torch.float32
            ),
        ):
            output: Features = self._transformer(dict(features))
        return output["token_embeddings"].float()


def concurrent_runs(threads: int) -> int:
    """Returns how many runs of so many threads fill this machine's cores."""
    return max(1, (os.cpu_count() or 1) // threads)
