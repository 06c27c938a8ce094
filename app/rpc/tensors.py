"""Tensors of the Open Inference Protocol: texts that come, numbers that go."""

import struct
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from deployments.contracts.errors import InvalidRequest
from ragserve.inference.open_inference_pb2 import ModelInferRequest, ModelInferResponse

_LENGTH = struct.Struct("<I")
"""Before each element of BYTES that comes raw."""
_DATATYPES = {"FP32": "<f4", "INT32": "<i4"}


def texts_of(request: ModelInferRequest) -> dict[str, list[str]]:
    """Returns the texts of every input, by its name.

    Raises:
        InvalidRequest: an input is not BYTES of UTF-8, or is no list, or its elements are not as
            many as its shape says, or its bytes are not what the protocol has there.
    """
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidRequest(
            f"`raw_input_contents` has {len(raw)} entries for {len(request.inputs)} inputs."
        )
    found: dict[str, list[str]] = {}
    for place, tensor in enumerate(request.inputs):
        if tensor.name in found:
            raise _wrong(tensor.name, "comes twice")
        if tensor.datatype != "BYTES":
            raise _wrong(tensor.name, f"is {tensor.datatype[:16] or 'of no datatype'}, not BYTES")
        if raw and tensor.HasField("contents"):
            raise _wrong(tensor.name, "has `contents` beside `raw_input_contents`")
        elements = _split(raw[place], tensor.name) if raw else list(tensor.contents.bytes_contents)
        _check_shape(tensor, len(elements))
        found[tensor.name] = [_text_of(element, tensor.name) for element in elements]
    return found


def add_output(
    response: ModelInferResponse, name: str, datatype: str, values: np.ndarray | Sequence[float]
) -> None:
    """Adds an output, whose numbers go raw.

    Args:
        response: What it is added to.
        name: Of the output.
        datatype: `FP32` or `INT32`.
        values: Of any shape, in row-major order.
    """
    array = np.ascontiguousarray(values, dtype=_DATATYPES[datatype])
    response.outputs.add(name=name, datatype=datatype, shape=list(array.shape))
    response.raw_output_contents.append(array.tobytes())


def _split(raw: bytes, name: str) -> list[bytes]:
    """Returns the elements of BYTES that came raw."""
    elements, place = [], 0
    while place < len(raw):
        start = place + _LENGTH.size
        if start > len(raw):
            raise _wrong(name, "ends within the length of an element")
        (length,) = _LENGTH.unpack_from(raw, place)
        place = start + length
        if place > len(raw):
            raise _wrong(name, "ends within an element")
        elements.append(raw[start:place])
    return elements


def _check_shape(tensor: Any, count: int) -> None:
    shape = list(tensor.shape)
    if any(size < 0 for size in shape) or sum(size != 1 for size in shape) > 1:
        raise _wrong(tensor.name, f"has the shape {shape[:8]}, which is that of no list")
    if prod(shape) != count:
        raise _wrong(tensor.name, f"has {count} elements for the shape {shape[:8]}")


def _text_of(element: bytes, name: str) -> str:
    try:
        return element.decode()
    except UnicodeDecodeError as error:
        raise _wrong(name, "has an element that is not UTF-8") from error


def _wrong(name: str, reason: str) -> InvalidRequest:
    shown = name[:64]
    return InvalidRequest(
        f"The input '{shown}' {reason}.",
        errors=({"field": f"inputs.{shown}", "message": reason, "type": "tensor"},),
    )
