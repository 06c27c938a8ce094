"""Tensors of texts in, tensors of numbers out."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rpc.tensors import add_output, texts_of
from deployments.contracts.errors import InvalidRequest
from ragserve.inference.open_inference_pb2 import ModelInferRequest, ModelInferResponse


def prefixed(*elements: bytes) -> bytes:
    """Elements as a Triton client sends them."""
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)


def request_of(
    shape: list[int],
    raw: bytes | None = None,
    plain: list[bytes] | None = None,
    *,
    name: str = "text",
) -> ModelInferRequest:
    request = ModelInferRequest()
    tensor = request.inputs.add(name=name, datatype="BYTES", shape=shape)
    if plain is not None:
        tensor.contents.bytes_contents.extend(plain)
    if raw is not None:
        request.raw_input_contents.append(raw)
    return request


@given(st.lists(st.text(max_size=20), max_size=8))
def test_texts_come_the_same_both_ways(texts: list[str]) -> None:
    elements = [text.encode() for text in texts]
    raw = request_of([len(texts)], raw=prefixed(*elements))
    plain = request_of([len(texts)], plain=elements)
    if texts:
        assert texts_of(raw) == {"text": texts}
    assert texts_of(plain) == {"text": texts}


@given(st.binary(max_size=64))
def test_no_bytes_are_more_than_a_refusal(raw: bytes) -> None:
    try:
        found = texts_of(request_of([2], raw=raw))["text"]
    except InvalidRequest:
        return
    assert prefixed(*(text.encode() for text in found)) == raw


@pytest.mark.parametrize("shape", [[2], [2, 1], [1, 2], [1, 2, 1]])
def test_a_list_may_have_dimensions_of_one(shape: list[int]) -> None:
    assert texts_of(request_of(shape, raw=prefixed(b"a", b"b"))) == {"text": ["a", "b"]}


def test_one_element_may_have_no_dimension() -> None:
    assert texts_of(request_of([], plain=[b"a"])) == {"text": ["a"]}


WRONG = {
    "more than its shape": request_of([1], raw=prefixed(b"a", b"b")),
    "fewer than its shape": request_of([3], plain=[b"a"]),
    "a table": request_of([2, 2], plain=[b"a"] * 4),
    "a negative size": request_of([-1], plain=[b"a"]),
    "two negative sizes": request_of([-1, -1], plain=[b"a"]),
    "a length that is cut off": request_of([1], raw=b"\x01\x00"),
    "an element that is cut off": request_of([1], raw=struct.pack("<I", 9) + b"a"),
    "a length beyond all": request_of([1], raw=b"\xff\xff\xff\xff"),
    "no text": request_of([1], plain=[b"\xff\xfe"]),
    "no length before it": request_of([1], raw=b"hello there"),
    "both ways": request_of([1], raw=prefixed(b"a"), plain=[b"a"]),
}


@pytest.mark.parametrize("request_", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_list_of_texts_is_refused(request_: ModelInferRequest) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        texts_of(request_)
    assert refusal.value.errors[0]["field"] == "inputs.text"


def test_numbers_are_no_texts() -> None:
    request = request_of([1], raw=b"\x00\x00\x80\x3f")
    request.inputs[0].datatype = "FP32"
    with pytest.raises(InvalidRequest, match="is FP32, not BYTES"):
        texts_of(request)


def test_raw_contents_are_as_many_as_inputs() -> None:
    request = request_of([1], raw=prefixed(b"a"))
    request.raw_input_contents.append(b"")
    with pytest.raises(InvalidRequest, match="2 entries for 1 inputs"):
        texts_of(request)


def test_a_name_comes_once() -> None:
    request = request_of([1], plain=[b"a"])
    request.inputs.add().CopyFrom(request.inputs[0])
    with pytest.raises(InvalidRequest, match="twice"):
        texts_of(request)


def test_numbers_go_raw_in_row_major_order() -> None:
    response = ModelInferResponse()
    values = np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3))
    add_output(response, "embeddings", "FP32", values)
    (output,) = response.outputs
    assert (output.name, output.datatype, list(output.shape)) == ("embeddings", "FP32", [2, 3])
    read = np.frombuffer(response.raw_output_contents[0], dtype="<f4").reshape(2, 3)
    assert read.tolist() == [[0, 1, 2], [3, 4, 5]]
