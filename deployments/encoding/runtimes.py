"""What computes the token embeddings of a model: torch, or OpenVINO on a CPU."""

import os
import threading
import warnings
from typing import TYPE_CHECKING, Any, Protocol, cast

from deployments.errors import ConfigError

if TYPE_CHECKING:
    import torch

    Features = dict[str, torch.Tensor]


class Runtime(Protocol):
    """Runs the transformer of a sentence-transformers model, the module before its pooling."""

    concurrent_batches: int
    """Runs at once that fill the device: what a batcher may start."""

    def token_embeddings(self, features: "Features") -> "torch.Tensor":
        """Returns (n, length, dim) float32 for `input_ids` and `attention_mask` of shape (n,
        length)."""
        ...


class TorchRuntime:
    """The module as it is, in the arithmetic that was asked for.

    Args:
        transformer: First module of a sentence-transformers model. Its weights are converted in
            place: autocast alone would convert them again in every run.
        device: Where it lies.
        dtype: Arithmetic of the matrix products.
        threads: CPU threads of one run; None is one, with a run for each core, which gives the
            most.
    """

    def __init__(
        self,
        transformer: "torch.nn.Module",
        *,
        device: "torch.device",
        dtype: "torch.dtype",
        threads: int | None,
    ) -> None:
        import torch

        self._torch = torch
        self._transformer = transformer
        self._device = device
        self._dtype = dtype
        self._threads = threads or 1
        cores = (os.cpu_count() or 1) if device.type == "cpu" else 1
        self.concurrent_batches = max(1, cores // self._threads)
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


class OpenVinoRuntime:
    """The same module compiled by OpenVINO, which keeps the weights in the layout of the CPU.

    Args:
        transformer: First module of a sentence-transformers model, in float32.
        dtype: Arithmetic of the matrix products.
        threads: Threads of one run; None is all cores, which also answers a single text soonest.

    Raises:
        ConfigError: OpenVINO is not installed, or does not understand the model.
    """

    def __init__(
        self, transformer: "torch.nn.Module", *, dtype: "torch.dtype", threads: int | None
    ) -> None:
        import torch

        cores = os.cpu_count() or 1
        self.concurrent_batches = max(1, cores // (threads or cores))
        self._torch = torch
        hint = {torch.float32: "f32", torch.bfloat16: "bf16", torch.float16: "f16"}[dtype]
        settings = {
            "INFERENCE_PRECISION_HINT": hint,
            "NUM_STREAMS": self.concurrent_batches,
            "INFERENCE_NUM_THREADS": cores,
            # Several replicas on one machine would be pinned to the same cores.
            "ENABLE_CPU_PINNING": False,
        }
        self._compiled = _compile(transformer, settings)
        self._requests = threading.local()  # a request is for one thread at a time

    def token_embeddings(self, features: "Features") -> "torch.Tensor":
        """See `Runtime.token_embeddings`."""
        if not hasattr(self._requests, "request"):
            self._requests.request = self._compiled.create_infer_request()
        inputs = {name: features[name].numpy() for name in ("input_ids", "attention_mask")}
        output = self._requests.request.infer(inputs, share_inputs=True)
        return self._torch.from_numpy(output[0])


def _compile(transformer: "torch.nn.Module", settings: dict[str, object]) -> Any:
    import torch

    try:
        import openvino
        from openvino.frontend import FrontEndManager
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
    except ImportError as error:
        raise ConfigError("OpenVINO is not installed: pip install openvino.") from error

    class Traceable(torch.nn.Module):  # traces take tensors, the module takes a mapping
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            return cast(torch.Tensor, self.transformer(features)["token_embeddings"])

    # Two texts of unequal length: a mask of ones only would be traced away.
    example = torch.tensor([[2, 3, 4, 5], [2, 3, 4, 0]]), torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer warns of every branch of the model
            # The frontend itself, because `openvino.convert_model` reports its use to the vendor.
            frontend = FrontEndManager().load_by_framework("pytorch")
            decoder = TorchScriptPythonDecoder(Traceable().eval(), example_input=example)
            model = frontend.convert(frontend.load(decoder))
        return openvino.Core().compile_model(model, "CPU", settings)
    except Exception as error:  # whatever a tracer raises at a model that it does not know
        raise ConfigError("OpenVINO does not understand this model.") from error
