"""The fields by which OpenAI's and vLLM's clients say how text is to be written."""

from dataclasses import replace
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue
from pydantic.json_schema import SkipJsonSchema

from app.schemas.wire import TolerantModel, refused, unsupported
from app.settings.cold.cache import MIN_SIMILARITY
from deployments.contracts.generation import OutputFormat, Sampling
from deployments.contracts.inputs import Items, bounded

Stop = Annotated[str, Field(min_length=1, max_length=256)]
UserName = Annotated[str, Field(max_length=256)]
NotHere = SkipJsonSchema[None]
"""The type of a field that is always refused; no client is told to send it."""
_NEW_NAME = "give `structured_outputs`, as vLLM does now"
_MAX_TAGS = 16
_MAX_TAG_KEY_CHARS = 64
_MAX_TAG_CHARS = 512
"""OpenAI's own bounds on `metadata`."""


def _is_one(count: int) -> int:
    if count != 1:
        raise unsupported("only 1 answer is written for a request")
    return count


_MAX_SCHEMA_DEPTH = 32
_MAX_SCHEMA_VALUES = 2000


def _is_small(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """A schema becomes a grammar, whose size nobody sees in the request."""
    count, level = 0, list[JsonValue]([schema])
    for _ in range(_MAX_SCHEMA_DEPTH):
        count += len(level)
        level = [inner for value in level for inner in _values_in(value)]
        if not level or count > _MAX_SCHEMA_VALUES:
            break
    if level or count > _MAX_SCHEMA_VALUES:
        raise ValueError(
            f"must have at most {_MAX_SCHEMA_VALUES} values on {_MAX_SCHEMA_DEPTH} levels"
        )
    return schema


def _values_in(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


LogitBias = Annotated[dict[int, Annotated[float, Field(ge=-100, le=100)]], bounded(1000)]
SmallSchema = Annotated[dict[str, JsonValue], AfterValidator(_is_small)]


class StreamOptions(TolerantModel):
    """What a stream tells beside the text."""

    without_effect = frozenset({"include_obfuscation"})

    include_usage: bool = Field(default=False, description="Ends with a chunk that counts tokens.")


class StructuredOutputs(TolerantModel):
    """vLLM's way to fix the form of the text; one of the three."""

    json_: SmallSchema | None = Field(default=None, alias="json", description="A JSON schema.")
    regex: str | None = Field(default=None, max_length=2000, examples=[r"[0-9]{4}"])
    choice: Items[Annotated[str, Field(max_length=4096)]] | None = Field(
        default=None, min_length=1, max_length=1000, examples=[["yes", "no"]]
    )

    def output_format(self) -> OutputFormat:
        """Returns the form."""
        choice = tuple(self.choice or ())
        return OutputFormat(self.json_, self.regex, choice, asked_by="structured_outputs")


class CacheOptions(TolerantModel):
    """Whether an answer may be given again."""

    use: bool = Field(
        default=True,
        description="False has the answer written anew, and kept for nobody. Without effect where "
        "the release keeps no answers.",
        examples=[False],
    )
    min_similarity: float | None = Field(
        default=None,
        ge=MIN_SIMILARITY,
        le=1,
        description="How near a question in other words must be for its answer to be given; less "
        "than the release asks for has no effect, and 1 wants an equal question.",
        examples=[0.95],
    )


CACHE_OPTIONS: Any = Field(
    default=None, description="What the response cache may do with the request."
)


class SamplingFields(TolerantModel):
    """How tokens are chosen. What the chosen model cannot honour is refused by name."""

    neutral = {
        "presence_penalty": [0],
        "frequency_penalty": [0],
        "repetition_penalty": [1],
        "min_p": [0],
        "min_tokens": [0],
    }

    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000, examples=[256])
    min_tokens: int | None = Field(default=None, ge=0, description="As in vLLM.")
    temperature: float | None = Field(default=None, ge=0.0, le=2.0, examples=[0.2])
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    min_p: float | None = Field(default=None, ge=0.0, le=1.0, description="As in vLLM.")
    presence_penalty: float | None = Field(default=None, ge=-2.0, le=2.0)
    frequency_penalty: float | None = Field(default=None, ge=-2.0, le=2.0)
    repetition_penalty: float | None = Field(
        default=None, gt=0.0, le=2.0, description="As in vLLM."
    )
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stop: Stop | Annotated[Items[Stop], Field(max_length=16)] | None = Field(
        default=None, examples=["\n\n"]
    )
    ignore_eos: bool = Field(default=False, description="As in vLLM.")
    logit_bias: LogitBias | None = None
    structured_outputs: StructuredOutputs | None = Field(
        default=None, description="As in vLLM: `choice`, `regex` or `json`."
    )
    cache: CacheOptions | None = CACHE_OPTIONS

    def sampling(self) -> Sampling:
        """Returns the wishes as the generator takes them."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        same = (
            *("max_tokens", "min_tokens", "temperature", "top_p", "min_p", "presence_penalty"),
            *("frequency_penalty", "repetition_penalty", "seed", "ignore_eos"),
        )
        structured = self.structured_outputs
        return Sampling(
            **{name: getattr(self, name) for name in same},
            stop=stop,
            logit_bias=self.logit_bias or {},
            output_format=OutputFormat() if structured is None else structured.output_format(),
        )


class WritingFields(SamplingFields):
    """What OpenAI's forms have beside the prompt and the sampling."""

    without_effect = frozenset(
        {"store", "prompt_cache_key", "prompt_cache_retention", "parallel_tool_calls"}
    )
    neutral = {
        **SamplingFields.neutral,
        "top_k": [0, -1],
        "tools": [[]],
        "functions": [[]],
        "tool_choice": ["auto", "none"],
        "function_call": ["auto", "none"],
        "modalities": [["text"]],
        "service_tier": ["auto", "default"],
    }

    top_k: int | None = Field(default=None, ge=-1, le=1_000_000, description="As in vLLM.")
    n: Annotated[int, AfterValidator(_is_one)] | None = Field(default=None, examples=[1])
    stream: bool = Field(default=False, description="Whether to send server-sent events.")
    stream_options: StreamOptions | None = None
    user: UserName | None = Field(default=None, examples=["alice"])
    safety_identifier: UserName | None = Field(
        default=None, description="The user, where `user` names none."
    )
    metadata: Annotated[dict[str, JsonValue], bounded(64)] | None = Field(
        default=None,
        description="Tags of the request's trace: up to 16 that are a text, a number or a boolean.",
        examples=[{"team": "platform"}],
    )
    functions: Annotated[NotHere, refused("no functions are called here")] = None
    function_call: Annotated[NotHere, refused("no functions are called here")] = None
    modalities: Annotated[NotHere, refused("answers are text, and nothing else")] = None
    audio: Annotated[NotHere, refused("answers are text, and nothing else")] = None
    web_search_options: Annotated[
        NotHere, refused("the web is not searched; answers come from the documents")
    ] = None
    guided_json: Annotated[NotHere, refused(_NEW_NAME)] = None
    guided_regex: Annotated[NotHere, refused(_NEW_NAME)] = None
    guided_choice: Annotated[NotHere, refused(_NEW_NAME)] = None
    guided_grammar: Annotated[NotHere, refused(_NEW_NAME)] = None

    def sampling(self) -> Sampling:
        """Returns the wishes as the generator takes them."""
        return replace(super().sampling(), top_k=self.top_k)

    @property
    def named_user(self) -> str | None:
        """The user that the request names, by either field."""
        return self.user or self.safety_identifier

    def tags(self) -> dict[str, str]:
        """Returns what of the metadata is kept with the trace."""
        return {
            key[:_MAX_TAG_KEY_CHARS]: str(value)[:_MAX_TAG_CHARS]
            for key, value in islice((self.metadata or {}).items(), _MAX_TAGS)
            if isinstance(value, str | int | float | bool)
        }


class JsonSchema(TolerantModel):
    """A schema with a name, as OpenAI takes it."""

    name: str = Field(max_length=64, examples=["person"])
    description: str | None = Field(default=None, max_length=4000)
    schema_: SmallSchema = Field(alias="schema", examples=[{"type": "object"}])
    strict: bool | None = None


class TextFormat(TolerantModel):
    """Free text."""

    type: Literal["text"]

    def output_format(self) -> OutputFormat:
        """Returns the form."""
        return OutputFormat()


class JsonObjectFormat(TolerantModel):
    """Any JSON object."""

    type: Literal["json_object"]

    def output_format(self) -> OutputFormat:
        """Returns the form."""
        return OutputFormat(json_schema={})


class JsonSchemaFormat(TolerantModel):
    """JSON by a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema

    def output_format(self) -> OutputFormat:
        """Returns the form."""
        return OutputFormat(json_schema=self.json_schema.schema_)


ResponseFormat = Annotated[
    TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")
]
