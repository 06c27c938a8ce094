"""How a client says how long its call may take: in the message, as Ray Serve does not hand on the
deadline that a client of gRPC sets."""

import math
from typing import Any

from deployments.contracts.errors import InvalidRequest
from ragserve.inference.open_inference_pb2 import ModelInferRequest

FIELD = "timeout_s"
PARAMETER = "timeout"
"""Of a `ModelInferRequest`, in microseconds: Triton's clients send it."""


def timeout_of(message: Any) -> float:
    """Returns the seconds that a message gives its call; infinite where it does not say.

    Raises:
        InvalidRequest: they are none.
    """
    if isinstance(message, ModelInferRequest):
        return _parameter_of(message)
    if FIELD not in message.DESCRIPTOR.fields_by_name or not message.HasField(FIELD):
        return math.inf
    told_s = float(message.timeout_s)
    if not told_s > 0:
        raise _not_a_time(FIELD, "must be a number of seconds above 0")
    return told_s


def _parameter_of(message: Any) -> float:
    if PARAMETER not in message.parameters:
        return math.inf
    parameter = message.parameters[PARAMETER]
    kind = parameter.WhichOneof("parameter_choice") or ""
    told_us = getattr(parameter, kind, 0)
    if kind in ("bool_param", "string_param") or not told_us > 0:
        raise _not_a_time(f"parameters.{PARAMETER}", "must be a number of microseconds above 0")
    return float(told_us) / 1e6


def _not_a_time(field: str, reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"The request is not valid: {field} ({reason}).",
        errors=({"field": field, "message": reason, "type": "greater_than"},),
    )
