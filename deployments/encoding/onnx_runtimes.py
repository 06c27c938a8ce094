"""Runtimes of ONNX graphs on a CPU: ONNX Runtime with the graph as it is, and OpenVINO."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.errors import ConfigError
from deployments.encoding.dequantization import dequantize
from deployments.encoding.openvino_runtimes import Compiled
from deployments.encoding.runtimes import concurrent_runs

if TYPE_CHECKING:
    import torch

    from deployments.encoding.runtimes import Features

TOKEN_OUTPUT_RANK = 3
"""Of the output with a vector for each token: texts, tokens, numbers."""
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class OnnxSession:
    """A graph that ONNX Runtime runs; several threads may run it at once.

    Args:
        path: The graph.
        threads: Threads of one run.
        rank: Of the output that is wanted: the first with so many dimensions.

    Raises:
        ConfigError: ONNX Runtime is not installed, or cannot run the graph; or it has other inputs
            than a text has, or no such output.
    """

    def __init__(self, path: Path, *, threads: int, rank: int) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ConfigError("ONNX Runtime is not installed: pip install onnxruntime.") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that wait by spinning starve as soon as anybody else needs a core.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_pattern = False  # for inputs of one shape
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of many kinds, one for each way to be no graph
            raise ConfigError(f"ONNX Runtime cannot run {path}.") from error
        self._inputs = input_names(path, [one.name for one in self._session.get_inputs()])
        outputs = [one.name for one in self._session.get_outputs() if len(one.shape) == rank]
        if not outputs:
            raise ConfigError(f"{path} has no output of {rank} dimensions.")
        self._output = outputs[0]

    def run(
        self,
        input_ids: NDArray[np.int64],
        attention_mask: NDArray[np.int64],
        token_type_ids: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Returns the output for arrays of shape (n, length)."""
        given = dict(zip(_INPUTS, (input_ids, attention_mask, token_type_ids), strict=True))
        output: NDArray[np.float32] = self._session.run(
            [self._output], {name: given[name] for name in self._inputs}
        )[0]
        return output


class AloneOnnxRuntime:
    """The graph as it is, with a run for each text.

    A graph that quantises what it multiplies does so by the range of a whole batch: alone, a text
    has the same vectors whatever it came with. On a CPU a batch of one costs no more by the token.

    Args:
        path: The graph.
        threads: Threads of one run.
        pad_id: The token that fills texts up.

    Raises:
        ConfigError: as `OnnxSession`.
    """

    computes_padding = False
    batch_tokens = 320

    def __init__(self, path: Path, *, threads: int, pad_id: int) -> None:
        import torch

        self._torch = torch
        self._pad_id = pad_id
        self.concurrent_batches = concurrent_runs(threads)
        self._session = OnnxSession(path, threads=threads, rank=TOKEN_OUTPUT_RANK)

    def token_embeddings(self, features: "Features") -> "torch.Tensor":
        """See `Runtime.token_embeddings`."""
        input_ids, mask = features["input_ids"].numpy(), features["attention_mask"].numpy()
        output: NDArray[np.float32] | None = None
        for row, length in enumerate(text_lengths(input_ids, self._pad_id)):
            place = slice(row, row + 1), slice(0, length)
            hidden = self._session.run(input_ids[place], mask[place], 0 * mask[place])
            if output is None:
                output = np.zeros((*mask.shape, hidden.shape[2]), dtype=np.float32)
            output[place] = hidden
        return self._torch.from_numpy(output)


class OnnxOpenVino:
    """The graph with its weights as floating-point numbers, over whole batches.

    Args:
        path: The graph.
        dtype: Arithmetic of the matrix products.
        threads: Threads of one run.

    Raises:
        ConfigError: OpenVINO is not installed, or does not understand the graph.
    """

    computes_padding = True
    batch_tokens = 1024

    def __init__(self, path: Path, *, dtype: "torch.dtype", threads: int) -> None:
        import torch

        self._torch = torch
        self.concurrent_batches = concurrent_runs(threads)
        self._model = OpenVinoGraph(path, dtype=dtype, threads=threads, rank=TOKEN_OUTPUT_RANK)

    def token_embeddings(self, features: "Features") -> "torch.Tensor":
        """See `Runtime.token_embeddings`."""
        input_ids, mask = features["input_ids"].numpy(), features["attention_mask"].numpy()
        return self._torch.from_numpy(self._model.run(input_ids, mask, 0 * mask))


class OpenVinoGraph:
    """A graph that OpenVINO runs, with its weights as floating-point numbers; see `OnnxSession`."""

    def __init__(self, path: Path, *, dtype: "torch.dtype", threads: int, rank: int) -> None:
        try:
            import openvino
        except ImportError as error:
            raise ConfigError("OpenVINO is not installed: pip install openvino.") from error
        try:
            model = openvino.Core().read_model(path)
        except RuntimeError as error:
            raise ConfigError(f"OpenVINO does not understand {path}.") from error
        names = [min(one.get_names()) for one in model.inputs]
        self._inputs = [_INPUTS.index(name) for name in input_names(path, names)]
        outputs = [
            place for place, one in enumerate(model.outputs) if len(one.partial_shape) == rank
        ]
        if not outputs:
            raise ConfigError(f"{path} has no output of {rank} dimensions.")
        dequantize(model)
        self._compiled = Compiled(
            model, dtype=dtype, streams=concurrent_runs(threads), output=outputs[0]
        )

    def run(self, *given: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the output; it is overwritten by the next run of the same thread."""
        return self._compiled.run(*(given[place] for place in self._inputs))


def input_names(path: Path, names: Sequence[str]) -> Sequence[str]:
    """Returns the names of a graph's inputs, in their order; raises ConfigError where a text has
    no such thing."""
    if unknown := set(names) - set(_INPUTS):
        raise ConfigError(f"{path} wants the input '{min(unknown)}', which no text has.")
    return names


def text_lengths(input_ids: NDArray[np.int64], pad_id: int) -> list[int]:
    """Returns the tokens of each text, shape (n, length), up to the last that fills nothing up; one
    at least."""
    is_text = input_ids != pad_id
    last = input_ids.shape[1] - np.argmax(is_text[:, ::-1], axis=1)
    return [
        int(length) if any_text else 1
        for length, any_text in zip(last, is_text.any(1), strict=True)
    ]
