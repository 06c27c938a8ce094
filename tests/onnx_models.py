"""Tiny models of ONNX, written here byte by byte, over the tokenizer of the packaged model.

The vector of a token is what it stands for and the mean of its text, so that padding which was
looked at would show; the vectors are noise, but always the same.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deployments.encoding.weights import PACKAGED_MODEL, model_path

WIDTH = 16
_VOCABULARY = 30_522
_FLOAT, _UINT8, _INT8, _INT64 = 1, 2, 3, 7
_TYPES = {"float32": _FLOAT, "uint8": _UINT8, "int8": _INT8, "int64": _INT64}


def write_encoder(folder: Path, *, pooling: str = "", quantized: bool = False) -> None:
    """Writes a model with an output for each token, (texts, tokens, WIDTH)."""
    graph = _Graph()
    hidden = _hidden(graph, quantized=quantized)
    graph.node("Identity", [hidden], "last_hidden_state")
    graph.write(folder, "last_hidden_state", ["texts", "tokens", WIDTH])
    _write_tokenizer(folder)
    if pooling:
        (folder / "1_Pooling").mkdir()
        said = {f"pooling_mode_{pooling}": True}
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(said))


def write_cross_encoder(folder: Path, *, scores: int = 1, quantized: bool = False) -> None:
    """Writes a model with so many scores for each pair."""
    graph = _Graph()
    hidden = _hidden(graph, quantized=quantized)
    # What belongs to the second text counts the other way.
    graph.node("Cast", ["token_type_ids"], "types", to=_FLOAT)
    graph.node("Unsqueeze", ["types", graph.constant("last", np.array([-1]))], "sides")
    graph.node("Mul", [hidden, "sides"], "second")
    graph.node("Mul", ["second", "weights"], "seen")
    graph.node("ReduceSum", ["seen", graph.constant("along", np.array([1]))], "sums", keepdims=0)
    head = _noise((WIDTH, scores), seed=5) / 4
    graph.node("MatMul", ["sums", graph.constant("head", head)], "logits")
    graph.write(folder, "logits", ["texts", scores])
    _write_tokenizer(folder)


def _hidden(graph: "_Graph", *, quantized: bool) -> str:
    table = graph.constant("table", _noise((_VOCABULARY, WIDTH), seed=1))
    graph.node("Gather", [table, "input_ids"], "tokens")
    graph.node("Cast", ["attention_mask"], "mask", to=_FLOAT)
    graph.node("Unsqueeze", ["mask", graph.constant("end", np.array([-1]))], "weights")
    graph.node("Mul", ["tokens", "weights"], "attended")
    axis = graph.constant("axis", np.array([1]))
    graph.node("ReduceSum", ["attended", axis], "sum", keepdims=1)
    graph.node("ReduceSum", ["weights", axis], "count", keepdims=1)
    graph.node("Div", ["sum", "count"], "mean")
    graph.node("Add", ["tokens", "mean"], "mixed")
    weights = _noise((WIDTH, WIDTH), seed=2)
    if not quantized:
        graph.node("MatMul", ["mixed", graph.constant("matrix", weights)], "product")
        return "product"
    # Seven bits: processors without VNNI add two products in sixteen.
    scale = np.abs(weights).max(axis=0) / 63
    graph.node("DynamicQuantizeLinear", ["mixed"], "whole", "step", "zero")
    names = ["whole", graph.constant("matrix", np.rint(weights / scale).astype(np.int8)), "zero"]
    names.append(graph.constant("matrix_zero", np.zeros(WIDTH, np.int8)))
    graph.node("MatMulInteger", names, "integers")
    graph.node("Cast", ["integers"], "numbers", to=_FLOAT)
    scales = graph.constant("scale", scale.astype(np.float32))
    graph.node("Mul", ["step", scales], "scales")
    graph.node("Mul", ["numbers", "scales"], "product")
    return "product"


def _write_tokenizer(folder: Path) -> None:
    source = Path(model_path(PACKAGED_MODEL)) / "tokenizer.json"
    shutil.copyfile(source, folder / "tokenizer.json")


def _noise(shape: tuple[int, ...], *, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


class _Graph:
    """A graph in the making. Source: onnx.proto of ONNX, IR version 8, operator set 17."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """Returns the name of a constant."""
        dims = b"".join(_number(1, size) for size in value.shape)
        kind = _number(2, _TYPES[str(value.dtype)])
        self._constants.append(dims + kind + _text(8, name) + _bytes(9, value.tobytes()))
        return name

    def node(self, kind: str, inputs: Sequence[str], *outputs: str, **attributes: int) -> None:
        """Adds an operator; its attributes are integers."""
        content = b"".join(_text(1, name) for name in inputs)
        content += b"".join(_text(2, name) for name in outputs)
        content += _text(3, outputs[0]) + _text(4, kind)
        for name, value in attributes.items():
            content += _bytes(5, _text(1, name) + _number(3, value) + _number(20, 2))
        self._nodes.append(content)

    def write(self, folder: Path, output: str, shape: Sequence[str | int]) -> None:
        """Writes the model, with all inputs that a text has."""
        folder.mkdir(parents=True, exist_ok=True)
        graph = b"".join(_bytes(1, node) for node in self._nodes) + _text(2, "tiny")
        graph += b"".join(_bytes(5, one) for one in self._constants)
        for name in ("input_ids", "attention_mask", "token_type_ids"):
            graph += _bytes(11, _value(name, _INT64, ["texts", "tokens"]))
        graph += _bytes(12, _value(output, _FLOAT, shape))
        model = _number(1, 8) + _bytes(7, graph) + _bytes(8, _text(1, "") + _number(2, 17))
        (folder / "model.onnx").write_bytes(model)


def _value(name: str, kind: int, shape: Sequence[str | int]) -> bytes:
    dims = b"".join(
        _bytes(1, _text(2, size) if isinstance(size, str) else _number(1, size)) for size in shape
    )
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, dims)))


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())
