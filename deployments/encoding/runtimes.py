"""What computes the token embeddings of a model: torch, or OpenVINO or ONNX Runtime on a CPU."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import torch

    Features = dict[str, torch.Tensor]


Precision = Literal["auto", "float32", "bfloat16", "float16"]
RuntimeName = Literal["auto", "torch", "openvino", "onnxruntime"]


class Runtime(Protocol):
    """Runs a transformer up to its token embeddings, before any pooling."""

    concurrent_batches: int
    """Runs at once that fill the device: what a batcher may start."""

    computes_padding: bool
    """Whether a batch costs its longest text times its texts, or the sum of its texts."""

    batch_tokens: int
    """The cost of a batch beyond which a larger one gains nothing."""

    def token_embeddings(self, features: "Features") -> "torch.Tensor":
        """Returns (n, length, dim) float32 for `input_ids` and `attention_mask` of shape (n,
        length); what stands where a text is filled up means nothing."""
        ...


Builders = dict[str, Callable[[], Runtime]]
"""What makes runtimes, by their names; each raises ConfigError where it cannot."""


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


def resolve_dtype(precision: Precision, device: "torch.device") -> "torch.dtype":
    """Returns the arithmetic that a precision means on a device."""
    import torch

    if precision != "auto":
        dtype: torch.dtype = getattr(torch, precision)
        return dtype
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    # bfloat16 without hardware support is emulated, and slower than float32.
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if device.type == "cpu" and native else torch.float32
