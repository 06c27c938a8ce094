"""From our words to vLLM's."""

import json
import math

import pytest

from deployments.contracts.errors import InvalidRequest
from deployments.contracts.generation import OutputFormat, Sampling
from deployments.generator.vllm.sampling import format_params, sampling_params


def converted(
    sampling: Sampling, *, model_defaults: dict[str, object] | None = None, room_tokens: int = 100
) -> dict[str, object]:
    return sampling_params(
        sampling,
        model_defaults=model_defaults or {},
        default_max_tokens=64,
        room_tokens=room_tokens,
    )


def test_nothing_asked_leaves_everything_to_the_model() -> None:
    assert converted(Sampling()) == {"max_tokens": 64, "min_tokens": 0, "ignore_eos": False}


def test_models_own_configuration_holds_where_nothing_was_asked() -> None:
    params = converted(
        Sampling(temperature=0.0), model_defaults={"temperature": 0.6, "top_p": 0.95}
    )
    assert (params["temperature"], params["top_p"]) == (0.0, 0.95)


def test_every_field_is_passed_on() -> None:
    params = converted(
        Sampling(
            max_tokens=7,
            min_tokens=2,
            temperature=0.5,
            top_p=0.9,
            top_k=4,
            min_p=0.1,
            presence_penalty=0.2,
            frequency_penalty=0.3,
            repetition_penalty=1.1,
            seed=0,
            stop=("\n", "END"),
            ignore_eos=True,
            logit_bias={5: -1.5},
            top_logprobs=0,
        )
    )
    assert params == {
        "max_tokens": 7,
        "min_tokens": 2,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 4,
        "min_p": 0.1,
        "presence_penalty": 0.2,
        "frequency_penalty": 0.3,
        "repetition_penalty": 1.1,
        "seed": 0,
        "stop": ["\n", "END"],
        "ignore_eos": True,
        "logit_bias": {5: -1.5},
        "logprobs": 0,
    }


@pytest.mark.parametrize(("asked", "given"), [(None, 10), (5, 5), (1000, 10)])
def test_answer_fits_what_the_prompt_leaves(asked: int | None, given: int) -> None:
    assert converted(Sampling(max_tokens=asked), room_tokens=10)["max_tokens"] == given


def test_least_number_of_tokens_is_cut_like_the_largest() -> None:
    params = converted(Sampling(min_tokens=40, max_tokens=50), room_tokens=10)
    assert (params["min_tokens"], params["max_tokens"]) == (10, 10)


def test_least_number_above_the_largest_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"`min_tokens` \(65\).*`max_tokens` \(64\)"):
        converted(Sampling(min_tokens=65), room_tokens=10)


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1])
def test_seed_beyond_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(InvalidRequest, match="seed"):
        converted(Sampling(seed=seed))


def test_bias_stays_finite() -> None:
    bias = converted(Sampling(logit_bias={1: math.inf, 2: -math.inf, 3: 101.0}))["logit_bias"]
    assert bias == {1: 100.0, 2: -100.0, 3: 100.0}


@pytest.mark.parametrize(
    ("asked", "params"),
    [
        (OutputFormat(), {}),
        (OutputFormat(json_schema={}), {"json_object": True}),
        (OutputFormat(regex="[0-9]+"), {"regex": "[0-9]+"}),
        (OutputFormat(choice=("yes", "no")), {"choice": ["yes", "no"]}),
    ],
)
def test_output_formats(asked: OutputFormat, params: dict[str, object]) -> None:
    assert format_params(Sampling(output_format=asked)) == params


def test_schema_travels_as_text() -> None:
    schema = {"type": "object", "properties": {"größe": {"type": "integer"}}}
    params = format_params(Sampling(output_format=OutputFormat(json_schema=schema)))
    assert json.loads(str(params["json"])) == schema


def endless() -> dict[str, object]:
    schema: dict[str, object] = {}
    schema["items"] = schema
    return schema


@pytest.mark.parametrize("schema", [{"enum": {1, 2}}, {"const": math.nan}, endless()])
def test_schema_that_is_not_json_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match="not JSON"):
        format_params(Sampling(output_format=OutputFormat(json_schema=schema)))


def test_text_cannot_have_a_form_and_no_end() -> None:
    asked = OutputFormat(choice=("yes",))
    with pytest.raises(InvalidRequest, match="ignore_eos"):
        format_params(Sampling(ignore_eos=True, output_format=asked))
