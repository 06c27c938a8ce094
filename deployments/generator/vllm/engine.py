"""vLLM in this process: continuous batching, prefix cache, structured output, on GPU or CPU.

vLLM is imported when the engine starts: it takes seconds, and only this engine needs it.
"""

import asyncio
import itertools
import logging
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployments.contracts.calls import CallContext
from deployments.contracts.errors import ConfigError, PromptTooLong, RagError, Unavailable
from deployments.contracts.generation import EngineDelta, Message, OutputFormat, Prompt, Sampling
from deployments.contracts.tools import Choice
from deployments.generator.cache_salt import CacheSalt, salt_of
from deployments.generator.vllm.errors import translated
from deployments.generator.vllm.loading import import_vllm, load_engine, variables
from deployments.generator.vllm.output import delta_of
from deployments.generator.vllm.prompts import PromptEncoder
from deployments.generator.vllm.sampling import format_params, sampling_params
from deployments.generator.vllm.settings import environment, is_cpu_build
from deployments.generator.vllm.tools import (
    CallReader,
    MakeParser,
    choices_with,
    load_parser,
    require_parser,
)

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams
    from vllm.v1.engine.async_llm import AsyncLLM

_log = logging.getLogger("ray.serve")
_WARM_UP_TEXT = "Warm-up"
_WARM_UP_TOKENS = 4
_WARM_UP_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class _Loaded:
    engine: "AsyncLLM"
    encoder: PromptEncoder
    make_parser: MakeParser
    model_defaults: Mapping[str, object]
    max_model_tokens: int


class VllmEngine:
    """One vLLM engine; satisfies `deployments.contracts.generation.Engine`.

    Args:
        model: Folder or Hugging Face name of a causal language model.
        engine_args: Any of vLLM's `AsyncEngineArgs` by its own name. On a CPU, what vLLM's own
            defaults lack is added; see `vllm_settings`.
        default_max_tokens: Tokens of an answer where the request does not say.
        ray_metrics: Publish vLLM's metrics through Ray; for an engine inside a Ray actor.
        chat_template_kwargs: What the chat template is given beside the messages, such as
            `enable_thinking`.
        tool_call_parser: Name of vLLM's parser of the calls that the model writes; None for a model
            that calls functions only where a grammar forces it.
        cache_salt: Who shares prefixes that were computed before.
    """

    def __init__(
        self,
        *,
        model: str,
        engine_args: Mapping[str, object],
        default_max_tokens: int,
        ray_metrics: bool = False,
        chat_template_kwargs: Mapping[str, object] | None = None,
        tool_call_parser: str | None = None,
        cache_salt: CacheSalt = "tenant",
    ) -> None:
        self._model = model
        self._engine_args = engine_args
        self._default_max_tokens = default_max_tokens
        self._ray_metrics = ray_metrics
        self._chat_template_kwargs = chat_template_kwargs or {}
        self._tool_call_parser = tool_call_parser
        self._cache_salt = cache_salt
        self._loaded: _Loaded | None = None
        self._running: set[str] = set()
        self._numbers = itertools.count()

    async def start(self) -> None:
        """Loads the model in a thread, and writes a few tokens with it.

        Raises:
            ConfigError: vLLM is missing, or it cannot load the model with these arguments.
        """
        cpu = is_cpu_build()
        try:
            # Once everything is connected, the sockets need no path any more.
            with tempfile.TemporaryDirectory(prefix="vllm-", ignore_cleanup_errors=True) as sockets:
                with variables(
                    environment(self._model, self._engine_args, cpu=cpu, sockets=sockets)
                ):
                    await asyncio.to_thread(import_vllm)
                    self._loaded = await asyncio.to_thread(self._load, cpu)
                await self._warm_up(self._loaded)
        except BaseException as error:
            await self.close()
            if isinstance(error, RagError) and not isinstance(error, ConfigError):
                raise ConfigError(f"{self._model} loads, but cannot write: {error}") from error
            raise

    def _load(self, cpu: bool) -> _Loaded:
        engine = load_engine(self._model, self._engine_args, cpu=cpu, ray_metrics=self._ray_metrics)
        defaults = engine.model_config.get_diff_sampling_param()
        tokenizer = engine.get_tokenizer()
        encoder = PromptEncoder(tokenizer, self._chat_template_kwargs)
        try:
            make_parser = load_parser(
                self._tool_call_parser,
                tokenizer,
                model=self._model,
                model_config=engine.model_config,
                template_kwargs=self._chat_template_kwargs,
            )
        except BaseException:
            engine.shutdown()
            raise
        if self._tool_call_parser is not None and not encoder.knows_tools:
            _log.warning("The chat template of %s shows no functions to the model.", self._model)
        return _Loaded(
            engine,
            encoder,
            make_parser,
            {name: value for name, value in defaults.items() if name != "max_tokens"},
            int(engine.model_config.max_model_len),
        )

    async def _warm_up(self, loaded: _Loaded) -> None:
        """Runs the paths of a first request, which are slow once: template, kernels, grammars."""
        call = CallContext("warm-up", _WARM_UP_TIMEOUT_S)
        prompt = Prompt(text=_WARM_UP_TEXT)
        if loaded.encoder.reads_messages:
            prompt = Prompt(messages=(Message("user", _WARM_UP_TEXT),))
        for output_format in (OutputFormat(), OutputFormat(choice=("yes", "no"))):
            sampling = Sampling(max_tokens=_WARM_UP_TOKENS, output_format=output_format)
            async for _ in self.stream(prompt, sampling, call=call):
                pass

    async def count_tokens(self, prompt: Prompt) -> int:
        """Returns the tokens of a prompt, those of the chat template included.

        Raises:
            InvalidRequest: the model cannot read this conversation.
        """
        with translated():
            return len(await self._started().encoder.encode(prompt))

    @property
    def max_model_tokens(self) -> int | None:
        """Bound on the tokens of prompt and completion together; None before the start."""
        return None if self._loaded is None else self._loaded.max_model_tokens

    is_language_model = True

    @property
    def tool_choices(self) -> tuple[Choice, ...]:
        """See `Engine.tool_choices`."""
        return choices_with(self._tool_call_parser)

    def describe(self) -> dict[str, object]:
        """Returns what an operator asks about a started engine."""
        import vllm

        config = self._started().engine.vllm_config
        return {
            "model": self._model,
            "max_model_tokens": self.max_model_tokens,
            "device": str(config.device_config.device_type),
            "dtype": str(config.model_config.dtype).removeprefix("torch."),
            "vllm": vllm.__version__,
        }

    async def stream(
        self, prompt: Prompt, sampling: Sampling, *, call: CallContext
    ) -> AsyncGenerator[EngineDelta, None]:
        """Yields the text as it is written; closing or cancelling it frees the engine at once.

        Raises:
            PromptTooLong: the prompt leaves no room for a token.
            InvalidRequest: vLLM refuses the fields of the request.
            UnsupportedField: the model is to choose functions, and has no parser for that.
            Overloaded, Unavailable, StageFailed: see `vllm_errors`.
        """
        request_id = f"{call.request_id}-{next(self._numbers)}"
        with translated():
            loaded = self._started()
            require_parser(prompt.tools, self._tool_call_parser)
            token_ids = await loaded.encoder.encode(prompt)
            reader = self._call_reader(loaded, prompt, sampling, token_ids)
            params = self._params(loaded, sampling, len(token_ids), reader)
            inputs: dict[str, object] = {"type": "token", "prompt_token_ids": list(token_ids)}
            if (salt := salt_of(call.access.tenant, self._cache_salt)) is not None:
                inputs["cache_salt"] = salt
            first = True
            self._running.add(request_id)
            try:
                async with aclosing(loaded.engine.generate(inputs, params, request_id)) as outputs:
                    async for output in outputs:
                        delta = delta_of(output, sampling, first=first)
                        if reader is not None:
                            delta = reader.read(delta, output.outputs[0].token_ids)
                        yield delta
                        first = False
            finally:
                self._running.discard(request_id)

    def _call_reader(
        self, loaded: _Loaded, prompt: Prompt, sampling: Sampling, token_ids: Sequence[int]
    ) -> CallReader | None:
        """Returns what reads calls out of the answer; None where none are to be made."""
        if not prompt.tools:
            return None
        return CallReader(
            loaded.make_parser,
            prompt.tools,
            messages=prompt.messages,
            prompt_token_ids=token_ids,
            structured_outputs=_structured_outputs(sampling),
        )

    def _params(
        self,
        loaded: _Loaded,
        sampling: Sampling,
        prompt_tokens: int,
        reader: CallReader | None,
    ) -> "SamplingParams":
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        room_tokens = loaded.max_model_tokens - prompt_tokens
        if room_tokens < 1:
            raise PromptTooLong(
                f"The prompt has {prompt_tokens} tokens; the model reads and writes "
                f"{loaded.max_model_tokens} together.",
                "generator",
            )
        form = {"structured_outputs": _structured_outputs(sampling)}
        return SamplingParams(
            output_kind=RequestOutputKind.DELTA,
            **(form if reader is None else reader.params()),
            **sampling_params(
                sampling,
                model_defaults=loaded.model_defaults,
                default_max_tokens=self._default_max_tokens,
                room_tokens=room_tokens,
            ),
        )

    async def check_health(self) -> None:
        """Raises Unavailable when the engine is dead."""
        with translated():
            await self._started().engine.check_health()

    async def reach(self, *, timeout_s: float) -> None:
        """There is nothing outside: its processes are its own."""

    async def close(self) -> None:
        """Ends what runs, and stops the engine's processes; a second call does nothing."""
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            # A stream would wait for ever for an engine that is gone.
            await loaded.engine.abort(list(self._running))
            await asyncio.to_thread(loaded.engine.shutdown)

    def _started(self) -> _Loaded:
        if self._loaded is None:
            raise Unavailable("The engine does not run.", "generator")
        return self._loaded


def _structured_outputs(sampling: Sampling) -> "StructuredOutputsParams | None":
    from vllm.sampling_params import StructuredOutputsParams

    asked = format_params(sampling)
    return StructuredOutputsParams(**asked) if asked else None
