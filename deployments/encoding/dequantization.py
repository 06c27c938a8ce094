"""ONNX graphs with weights of 8 bits as graphs of floating-point numbers.

Such a graph quantises what goes into a matrix product as well, by the range of the whole batch: a
text then has another vector beside other texts. With the weights multiplied out it has not, and
what is multiplied loses nothing.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.errors import ConfigError

if TYPE_CHECKING:
    import openvino

QUANTIZED_OPERATOR = b"DynamicQuantizeLinear"
"""Its name stands in the file of a graph that quantises what it multiplies."""


def dequantize(model: "openvino.Model") -> int:
    """Returns how many matrix products of integers were replaced, in place, by those of float32.

    Raises:
        ConfigError: a product has another form than ONNX Runtime's quantiser writes.
    """
    import openvino
    from openvino import opset13 as operators

    replaced = 0
    for product in model.get_ordered_ops():
        is_integer = product.get_output_size() and product.get_output_element_type(0) == (
            openvino.Type.i32
        )
        if product.get_type_name() != "MatMul" or not is_integer:
            continue
        # product of integers -> Convert -> Multiply by both scales
        scaled = _only_user(_only_user(product, "Convert"), "Multiply")
        scales = next(_sources(scaled, "Multiply"), None)
        constant = None if scales is None else next(_sources(scales, "Constant"), None)
        if constant is None:
            raise _unknown()
        weights = _value(_source(product, 1)) * constant.get_data()
        exact = operators.matmul(
            _quantized_value(product),
            operators.constant(weights.astype(np.float32)),
            product.get_attributes()["transpose_a"],
            product.get_attributes()["transpose_b"],
        )
        scaled.output(0).replace(exact.output(0))
        replaced += 1
    model.validate_nodes_and_infer_types()
    return replaced


def _quantized_value(product: Any) -> Any:
    """Returns the output that the left side of a product was made of: what is rounded is its
    product with 255, divided by its range."""
    node = _source(product, 0)
    while node.get_type_name() != "Round":
        if not node.get_input_size():
            raise _unknown()
        node = _source(node, 0)
    divided = _source(node, 0)
    stretched = _source(divided, 0)
    if (divided.get_type_name(), stretched.get_type_name()) != ("Divide", "Multiply"):
        raise _unknown()
    return stretched.input_value(0)


def _value(node: Any) -> NDArray[np.float32]:
    """Returns the weights of a product without their scale: integers less their zero point."""
    kind = node.get_type_name()
    if kind == "Constant":
        return np.asarray(node.get_data(), dtype=np.float32)
    if kind == "Subtract":
        return _value(_source(node, 0)) - _value(_source(node, 1))
    if kind in ("Convert", "Reshape", "Squeeze", "Unsqueeze"):
        return _value(_source(node, 0))
    raise _unknown()


def _source(node: Any, place: int) -> Any:
    return node.input_value(place).get_node()


def _sources(node: Any, kind: str) -> Any:
    return (
        one
        for one in (_source(node, place) for place in range(node.get_input_size()))
        if one.get_type_name() == kind
    )


def _only_user(node: Any, kind: str) -> Any:
    users = [one.get_node() for one in node.output(0).get_target_inputs()]
    if len(users) != 1 or users[0].get_type_name() != kind:
        raise _unknown()
    return users[0]


def _unknown() -> ConfigError:
    return ConfigError("The graph is quantised in a way that cannot be multiplied out.")
