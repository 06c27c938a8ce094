"""Runtimes over OpenVINO, which keeps the weights in the layout that the CPU multiplies best."""

import os
import threading
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.errors import ConfigError
from deployments.encoding.runtimes import concurrent_runs

if TYPE_CHECKING:
    import openvino
    import torch

    from deployments.encoding.runtimes import Features

_PACK_TOKENS = 512
"""Tokens of one packed run at most: attention is computed between all of them."""
_PACK_MULTIPLE = 16
"""Fewer distinct shapes: compiled code and buffers are kept for each that was seen."""


class PaddedOpenVino:
    """The module as it is, compiled.

    Args:
        transformer: First module of a sentence-transformers model, in float32.
        dtype: Arithmetic of the matrix products.
        threads: Threads of one run.

    Raises:
        ConfigError: OpenVINO is not installed, or does not understand the model.
    """

    computes_padding = True
    batch_tokens = 1024

    def __init__(
        self, transformer: "torch.nn.Module", *, dtype: "torch.dtype", threads: int
    ) -> None:
        import torch

        self._torch = torch
        self.concurrent_batches = concurrent_runs(threads)

        class Plain(torch.nn.Module):  # a trace takes tensors, the module takes a mapping
            def __init__(self) -> None:
                super().__init__()
                self.transformer = transformer

            def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
                features = {"input_ids": input_ids, "attention_mask": attention_mask}
                return self.transformer(features)["token_embeddings"]

        # Two texts of unequal length: a mask of ones only would be traced away.
        ids, mask = [[2, 3, 4, 5], [2, 3, 4, 0]], [[1, 1, 1, 1], [1, 1, 1, 0]]
        model = _traced(Plain(), (ids, mask))
        self._model = Compiled(model, dtype=dtype, streams=self.concurrent_batches)

    def token_embeddings(self, features: "Features") -> "torch.Tensor":
        """See `Runtime.token_embeddings`."""
        output = self._model.run(features["input_ids"].numpy(), features["attention_mask"].numpy())
        return self._torch.from_numpy(output)


class PackedOpenVino:
    """All texts of a batch one after the other in a single row, each seeing itself alone: no token
    of padding is computed.

    Args:
        transformer: As for `PaddedOpenVino`; its model must take position ids and a mask of pairs.
        dtype: Arithmetic of the matrix products.
        threads: Threads of one run.

    Raises:
        ConfigError: OpenVINO is not installed, or the model cannot be packed.

    Source: Krell et al., Efficient Sequence Packing without Cross-contamination, arXiv 2107.02027,
    section 3.2.
    """

    computes_padding = False
    batch_tokens = 320

    def __init__(
        self, transformer: "torch.nn.Module", *, dtype: "torch.dtype", threads: int
    ) -> None:
        import torch

        self._torch = torch
        self.concurrent_batches = concurrent_runs(threads)
        model: Any = getattr(transformer, "auto_model", None)
        if model is None:
            raise ConfigError("The model's first module is no transformer that can be packed.")

        class Packed(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.model = model

            def forward(
                self, input_ids: torch.Tensor, position_ids: torch.Tensor, text_ids: torch.Tensor
            ) -> Any:
                same_text = text_ids.unsqueeze(2) == text_ids.unsqueeze(1)
                hidden = torch.zeros_like(same_text, dtype=torch.float32).masked_fill(
                    ~same_text, torch.finfo(torch.float32).min
                )
                return self.model(
                    input_ids=input_ids,
                    position_ids=position_ids,
                    attention_mask=hidden.unsqueeze(1),
                ).last_hidden_state

        ids, positions, texts = [[2, 3, 4, 5, 6]], [[0, 1, 2, 0, 1]], [[0, 0, 0, 1, 1]]
        model = _traced(Packed(), (ids, positions, texts))
        self._model = Compiled(model, dtype=dtype, streams=self.concurrent_batches)

    def token_embeddings(self, features: "Features") -> "torch.Tensor":
        """See `Runtime.token_embeddings`."""
        input_ids, mask = features["input_ids"].numpy(), features["attention_mask"].numpy() == 1
        output: NDArray[np.float32] | None = None
        for rows in _groups(mask.sum(axis=1)):
            hidden = self._run(input_ids[rows], mask[rows])
            if output is None:
                output = np.zeros((*mask.shape, hidden.shape[1]), dtype=np.float32)
            output[rows][mask[rows]] = hidden
        return self._torch.from_numpy(output)

    def _run(self, input_ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Returns the vectors of the tokens where the mask is true, (tokens, dim)."""
        tokens = int(mask.sum())
        shape = (1, -(-tokens // _PACK_MULTIPLE) * _PACK_MULTIPLE)
        packed, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        # What fills the row up is a text of its own.
        texts = np.full(shape, len(mask), np.int64)
        packed[0, :tokens] = input_ids[mask]
        text, positions[0, :tokens] = np.nonzero(mask)
        texts[0, :tokens] = text
        hidden: NDArray[np.float32] = self._model.run(packed, positions, texts)[0, :tokens]
        return hidden


class Compiled:
    """A model that runs in several threads at once.

    Args:
        model: Takes integer arrays.
        dtype: Arithmetic of the matrix products.
        streams: Runs at once.
        output: Place of the output that is wanted.

    Raises:
        ConfigError: OpenVINO cannot compile it.
    """

    def __init__(
        self, model: "openvino.Model", *, dtype: "torch.dtype", streams: int, output: int = 0
    ) -> None:
        import torch

        try:
            import openvino
        except ImportError as error:
            raise ConfigError("OpenVINO is not installed: pip install openvino.") from error
        settings = {
            "INFERENCE_PRECISION_HINT": {
                torch.float32: "f32",
                torch.bfloat16: "bf16",
                torch.float16: "f16",
            }[dtype],
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": os.cpu_count() or 1,
            # Several replicas on one machine would be pinned to the same cores.
            "ENABLE_CPU_PINNING": False,
        }
        try:
            self._compiled = openvino.Core().compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise ConfigError("OpenVINO cannot compile this model.") from error
        self._output = output
        self._requests = threading.local()  # a request is for one thread at a time

    def run(self, *inputs: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the output; it is overwritten by the next run of the same thread."""
        if not hasattr(self._requests, "request"):
            self._requests.request = self._compiled.create_infer_request()
        found = self._requests.request.infer(list(inputs), share_inputs=True)
        result: NDArray[np.float32] = found[self._output]
        return result


def _traced(module: "torch.nn.Module", example: tuple[list[list[int]], ...]) -> "openvino.Model":
    """Returns a module of torch as OpenVINO's model.

    Args:
        module: Takes integer tensors.
        example: Its arguments for the trace.
    """
    import torch

    try:
        from openvino.frontend import FrontEndManager
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
    except ImportError as error:
        raise ConfigError("OpenVINO is not installed: pip install openvino.") from error
    tensors = tuple(torch.tensor(one) for one in example)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer warns of every branch of the model
            # The frontend itself: `openvino.convert_model` reports its use to the vendor.
            frontend = FrontEndManager().load_by_framework("pytorch")
            decoder = TorchScriptPythonDecoder(module.eval(), example_input=tensors)
            return frontend.convert(frontend.load(decoder))
    except Exception as error:  # whatever a tracer raises at a model that it does not know
        raise ConfigError("OpenVINO does not understand this model.") from error


def _groups(lengths: NDArray[np.int64]) -> list[slice]:
    """Returns stretches of texts that are small enough for one run each; a longer text runs
    alone."""
    groups, start, tokens = [], 0, 0
    for place, length in enumerate(lengths):
        if place > start and tokens + length > _PACK_TOKENS:
            groups.append(slice(start, place))
            start, tokens = place, 0
        tokens += int(length)
    return [*groups, slice(start, len(lengths))]
