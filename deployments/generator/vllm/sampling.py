"""From our words to vLLM's: how tokens are chosen, and what the text must look like."""

import json
from collections.abc import Mapping

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.generation import Sampling

_MAX_LOGIT_BIAS = 100.0
"""Source: OpenAI's API reference; enough to ban a token or to force it. Infinities would add up to
no number."""
_SEEDS = range(-(2**63), 2**63)
_SAME_NAMES = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "seed",
)


def sampling_params(
    sampling: Sampling,
    *,
    model_defaults: Mapping[str, object],
    default_max_tokens: int,
    room_tokens: int,
) -> dict[str, object]:
    """Returns the keyword arguments of vLLM's `SamplingParams`, the output format left out.

    Args:
        sampling: What was asked.
        model_defaults: What the model's own configuration says, in vLLM's names; it holds where
            nothing was asked.
        default_max_tokens: Tokens of an answer where nothing was asked.
        room_tokens: Tokens that the model can still write after the prompt; a bound on both.

    Raises:
        InvalidRequest: the seed is too large, or more tokens are asked at least than at most.
    """
    if sampling.seed is not None and sampling.seed not in _SEEDS:
        raise InvalidRequest("`seed` must be a whole number of 64 bits.", "generator")
    max_tokens = default_max_tokens if sampling.max_tokens is None else sampling.max_tokens
    min_tokens = sampling.min_tokens or 0
    if min_tokens > max_tokens:
        raise InvalidRequest(
            f"`min_tokens` ({min_tokens}) is more than `max_tokens` ({max_tokens}).", "generator"
        )
    asked = {name: getattr(sampling, name) for name in _SAME_NAMES}
    params = {
        **model_defaults,
        **{name: value for name, value in asked.items() if value is not None},
        "max_tokens": min(max_tokens, room_tokens),
        "min_tokens": min(min_tokens, room_tokens),
        "ignore_eos": sampling.ignore_eos,
    }
    if sampling.stop:
        params["stop"] = list(sampling.stop)
    if sampling.top_logprobs is not None:
        params["logprobs"] = sampling.top_logprobs
    if sampling.logit_bias:
        params["logit_bias"] = {
            token: max(-_MAX_LOGIT_BIAS, min(_MAX_LOGIT_BIAS, bias))
            for token, bias in sampling.logit_bias.items()
        }
    return params


def format_params(sampling: Sampling) -> dict[str, object]:
    """Returns the keyword arguments of vLLM's `StructuredOutputsParams`; empty for free text.

    Raises:
        InvalidRequest: the schema is not JSON, or the text must go on after its form is complete.
    """
    asked = sampling.output_format
    if asked and sampling.ignore_eos:
        raise InvalidRequest("`ignore_eos` goes against an output format.", "generator")
    if asked.json_schema is not None:
        if not asked.json_schema:
            return {"json_object": True}
        try:
            return {"json": json.dumps(dict(asked.json_schema), allow_nan=False)}
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequest("The JSON schema is not JSON.", "generator") from error
    if asked.regex is not None:
        return {"regex": asked.regex}
    return {"choice": list(asked.choice)} if asked.choice else {}
