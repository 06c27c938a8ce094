"""Settings of a generator: its engine, and how that engine samples when a request does not say."""

import hashlib
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from deployments.generator.cache_salt import CacheSalt
from deployments.settings import Settings


class ExtractiveArgs(Settings):
    """An engine without a language model: it answers with sentences of the context."""

    max_sentences: int = Field(default=3, ge=1, le=20)
    """Sentences of an answer at most; it has fewer where the first ones are likely enough to hold
    the answer."""

    min_coverage_ratio: float = Field(default=0.3, ge=0.0, le=1.0)
    """Share of the question's content words (weighted by rarity in the context) that the best
    passage must hold. Below it the answer says that there is no information: the question is about
    something else."""

    min_answerability: float = Field(default=0.2, ge=0.0, le=1.0)
    """Likelihood that the context answers the question, from which it is answered; 0 answers
    whatever is covered. At the default, eighteen in twenty questions with an answer are answered,
    and one in three refused that only come near the subject of a passage; 0.2 answers nineteen
    and refuses one in five."""


class VllmArgs(Settings):
    """vLLM inside the replica, on its GPUs or on the CPU."""

    model: str = Field(min_length=1)
    """A folder with weights and tokenizer, or a name on Hugging Face's hub."""

    engine_args: dict[str, object] = {}
    """Anything that vLLM's `AsyncEngineArgs` knows, by its own names: `max_model_len`,
    `gpu_memory_utilization`, `tensor_parallel_size`, `quantization`... An unknown one stops the
    start and is named."""

    chat_template_kwargs: dict[str, object] = {}
    """What the model's chat template is given beside the messages, such as
    `enable_thinking: false`."""

    tool_call_parser: str | None = Field(default=None, min_length=1)
    """How the model writes the functions that it calls: the name of a parser as in `vllm serve
    --tool-call-parser`, such as `hermes`. Without one it calls a function only where the request
    names it or says `required`, which a grammar then forces."""

    cache_salt: CacheSalt = "tenant"
    """Who shares the prefixes that vLLM keeps of prompts: `tenant` parts tenants, so that none can
    tell from times or counts what another one has asked; `none` computes the instructions of the
    prompt once for all."""

    @field_validator("engine_args")
    @classmethod
    def _leaves_the_model_alone(cls, engine_args: dict[str, object]) -> dict[str, object]:
        if "model" in engine_args:
            raise ValueError("the model has a field of its own, `model`")
        return engine_args

    @model_validator(mode="after")
    def _spreads_over_ray(self) -> Self:
        # Several GPUs are those of the replica's placement group, which Ray's workers alone find.
        if self.gpus > 1:
            self.engine_args.setdefault("distributed_executor_backend", "ray")
        return self

    @property
    def gpus(self) -> int:
        """GPUs of one replica, where it runs on GPUs at all."""
        sizes = (
            self.engine_args.get(f"{kind}_parallel_size", 1) for kind in ("tensor", "pipeline")
        )
        tensor, pipeline = (size if isinstance(size, int) else 1 for size in sizes)
        return tensor * pipeline


class OpenAIArgs(Settings):
    """A server that speaks OpenAI's protocol: vLLM, Ollama, llama.cpp, a vendor."""

    model: str = Field(min_length=1)
    """What the server calls the model."""

    base_url: str = Field(pattern=r"^https?://[^/?#\s]+")
    """Address with the version, for example `https://api.example.com/v1`."""

    api_key_env: str | None = None
    """Name of the environment variable that holds the key; None sends none. The key itself never
    stands in a config file."""

    max_model_tokens: int | None = Field(default=None, ge=16)
    """Tokens of prompt and answer together. With it the context is cut to fit; without it the
    server decides."""

    connect_timeout_s: float = Field(default=5.0, gt=0)
    """Time a connection may take."""

    first_token_timeout_s: float = Field(default=30.0, gt=0)
    """Time until the first token, retries included."""

    inter_token_timeout_s: float = Field(default=20.0, gt=0)
    """Time between two tokens."""

    max_attempts: int = Field(default=3, ge=1, le=10)
    """How often a request is sent at most; never again after its first token."""

    max_connections: int = Field(default=256, ge=1)
    """Connections of one replica; they are kept and used again."""

    cache_salt: CacheSalt = "none"
    """`tenant` sends `cache_salt`, which a server of vLLM knows, so that tenants share no prefixes
    there; others may refuse the field."""


class SamplingArgs(Settings):
    """What holds where a request does not say. None leaves it to the engine and the model's own
    `generation_config`."""

    max_tokens: int = Field(default=512, ge=1)
    """Tokens of an answer. The context leaves room for them."""

    temperature: float | None = Field(default=None, ge=0.0, le=2.0)
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    top_k: int | None = Field(default=None, ge=-1)
    min_p: float | None = Field(default=None, ge=0.0, le=1.0)
    repetition_penalty: float | None = Field(default=None, gt=0.0, le=2.0)


class GeneratorArgs(Settings):
    """Which engine writes answers. Each engine has a section of its own name."""

    engine: Literal["extractive", "vllm", "openai"] = "extractive"
    """`extractive` needs no LLM and no weights; `vllm` runs one in the replica; `openai` asks a
    server."""

    name: str = Field(default="extractive", pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    """What answers call the model, and what a request may name to have it without retrieval."""

    extractive: ExtractiveArgs = ExtractiveArgs()
    vllm: VllmArgs | None = None
    openai: OpenAIArgs | None = None

    sampling: SamplingArgs = SamplingArgs()

    delta_window_ms: float = Field(default=15.0, ge=0.0, le=1000.0)
    """Tokens that come within it travel together: a message costs more than a token. The first one
    never waits."""

    @model_validator(mode="after")
    def _has_its_section(self) -> Self:
        if self.engine != "extractive" and getattr(self, self.engine) is None:
            raise ValueError(f"engine `{self.engine}` needs a section `{self.engine}`")
        return self

    @property
    def chooses_tools(self) -> bool:
        """Whether its model may call functions by its own choice; a server is taken to let its
        own."""
        if self.engine == "vllm":
            return self.vllm is not None and self.vllm.tool_call_parser is not None
        return self.engine == "openai"

    @property
    def default_temperature(self) -> float | None:
        """Where a request names none; None where the model's own configuration decides."""
        return 0.0 if self.engine == "extractive" else self.sampling.temperature

    def fingerprint(self) -> str:
        """Returns 16 characters that are the same for the same settings."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]
