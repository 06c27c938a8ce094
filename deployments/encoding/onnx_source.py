"""A folder with an ONNX graph and its tokenizer as what an encoder runs."""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.contracts.errors import ConfigError
from deployments.encoding.dequantization import QUANTIZED_OPERATOR
from deployments.encoding.onnx_runtimes import AloneOnnxRuntime, OnnxOpenVino
from deployments.encoding.reading import reading_of
from deployments.encoding.runtimes import (
    Builders,
    Precision,
    Runtime,
    RuntimeName,
    resolve_dtype,
)
from deployments.encoding.weights import ONNX_FILE

if TYPE_CHECKING:
    import torch

    from deployments.encoding.runtimes import Features


class OnnxFile:
    """A graph on the disk.

    `sha256` is of the file, and `is_quantized` says whether it quantises what it multiplies, by the
    range of each batch.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ONNX_FILE
        content = self.path.read_bytes()
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.is_quantized = QUANTIZED_OPERATOR in content

    def as_it_is(self, runtime: RuntimeName, precision: Precision) -> bool:
        """Returns whether the graph is run in its own arithmetic: a quantised one with its weights
        multiplied out is another model, with vectors of its own."""
        return not self.is_quantized or (runtime != "openvino" and precision == "auto")

    def runtimes(self, runtime: RuntimeName, precision: Precision) -> frozenset[RuntimeName]:
        """Returns which of `onnxruntime` and `openvino` give what is asked for.

        Raises:
            ConfigError: none does.
        """
        as_it_is = self.as_it_is(runtime, precision)
        found: set[RuntimeName] = set()
        if runtime != "openvino" and as_it_is and precision in ("auto", "float32"):
            found.add("onnxruntime")
        # What a quantised graph gives otherwise is not its own.
        if runtime != "onnxruntime" and not (as_it_is and self.is_quantized):
            found.add("openvino")
        if not found:
            raise ConfigError(
                f"ONNX Runtime computes {self.path} in its own precision alone: leave out"
                " `precision`, or take `runtime: openvino`."
            )
        return frozenset(found)


class OnnxSource:
    """See `deployments.encoding.encoder.Source`. It runs on a CPU.

    A quantised graph counts as it is, as ONNX Runtime gives it to each text alone; where OpenVINO
    or a precision is asked for, it counts with its weights as floating-point numbers.

    Args:
        folder: Has the graph and `tokenizer.json`.
        device: Torch device; None is the CPU.
        runtime: What is asked for.
        precision: What is asked for.

    Raises:
        ConfigError: it cannot run what is asked for, or a file of the folder is not right.
    """

    def __init__(
        self, folder: Path, device: str | None, runtime: RuntimeName, precision: Precision
    ) -> None:
        import torch

        check_onnx_options(device, runtime)
        self._torch = torch
        self._file = OnnxFile(folder)
        self.device = torch.device("cpu")
        self.tokenizer_json = (folder / "tokenizer.json").read_text(encoding="utf-8")
        self.pad_id = pad_id_of(self.tokenizer_json)
        self.reading = reading_of(folder, self._file.sha256)
        self.prompts = {
            "query": self.reading.query_prompt,
            "document": self.reading.document_prompt,
        }
        read = (
            self._file.sha256,
            self.tokenizer_json,
            repr(self.reading),
            str(self._file.as_it_is(runtime, precision)),
        )
        self.digest = hashlib.sha256("\0".join(read).encode()).hexdigest()[:32]
        self.dimension = 0
        """Not known before the graph has run."""

    def pool(self, features: "Features", vectors: "torch.Tensor") -> "torch.Tensor":
        """Returns the vectors of texts, (n, dim), for a model that pools."""
        if self.reading.pooling == "cls":
            return vectors[:, 0]
        mask = features["attention_mask"].unsqueeze(-1).float()
        return (vectors * mask).sum(dim=1) / mask.sum(dim=1)

    def reference(self, runtime: RuntimeName, precision: Precision, threads: int) -> Runtime:
        """Returns what gives the model's own vectors, to each text alone."""
        if self._file.as_it_is(runtime, precision):
            try:
                return self._alone(threads)
            except ConfigError:
                if runtime == "onnxruntime" or self._file.is_quantized:
                    raise
        return OnnxOpenVino(self._file.path, dtype=self._torch.float32, threads=threads)

    def attempts(
        self, runtime: RuntimeName, precision: Precision, threads: int
    ) -> Sequence[Builders]:
        """Returns ONNX Runtime where it computes in what was asked for, and OpenVINO."""
        able = self._file.runtimes(runtime, precision)
        dtypes = [resolve_dtype(precision, self.device)]
        if precision == "auto" and dtypes[0] != self._torch.float32:
            dtypes.append(self._torch.float32)
        found: list[Builders] = []
        for dtype in dtypes:
            builders: Builders = {}
            if "onnxruntime" in able:
                builders["OnnxRuntime"] = partial(self._alone, threads)
            if "openvino" in able:
                builders["OnnxOpenVino"] = partial(
                    OnnxOpenVino, self._file.path, dtype=dtype, threads=threads
                )
            found.append(builders)
        return found

    def _alone(self, threads: int) -> Runtime:
        return AloneOnnxRuntime(self._file.path, threads=threads, pad_id=self.pad_id)


def check_onnx_options(device: str | None, runtime: RuntimeName) -> None:
    """Raises ConfigError where a graph cannot be run as it is asked for."""
    if device not in (None, "cpu"):
        raise ConfigError(f"A model of ONNX runs on a CPU, and not on `device: {device}`.")
    if runtime == "torch":
        raise ConfigError("Torch cannot run a model of ONNX: leave out `runtime`.")


def pad_id_of(tokenizer_json: str) -> int:
    """Returns the id of the token that fills texts up, 0 where none is named."""
    content = json.loads(tokenizer_json)
    padding = content.get("padding") or {}
    named = {one["content"]: one["id"] for one in content.get("added_tokens") or ()}
    found: int = padding.get("pad_id", named.get("[PAD]", named.get("<pad>", 0)))
    return found
