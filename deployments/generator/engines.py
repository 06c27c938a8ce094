"""Which engine a generator's settings ask for; the only file that knows all of them.

An engine is imported when it is chosen: vLLM alone takes seconds.
"""

import os

from pydantic import SecretStr

from deployments.contracts.errors import ConfigError
from deployments.contracts.generation import Engine
from deployments.generator.config import GeneratorArgs
from deployments.generator.extractive.engine import ExtractiveEngine


def make_engine(settings: GeneratorArgs) -> Engine:
    """Returns the engine, not started yet.

    Raises:
        ConfigError: what it needs is not installed, or its key is not in the environment.
    """
    if settings.vllm is not None and settings.engine == "vllm":
        from deployments.generator.vllm.engine import VllmEngine

        return VllmEngine(
            model=settings.vllm.model,
            engine_args=settings.vllm.engine_args,
            default_max_tokens=settings.sampling.max_tokens,
            chat_template_kwargs=settings.vllm.chat_template_kwargs,
            tool_call_parser=settings.vllm.tool_call_parser,
            cache_salt=settings.vllm.cache_salt,
            ray_metrics=True,
        )
    if settings.openai is not None and settings.engine == "openai":
        from deployments.generator.openai.engine import OpenAIEngine

        server = settings.openai
        return OpenAIEngine(
            api_key=_secret(server.api_key_env), **server.model_dump(exclude={"api_key_env"})
        )
    return ExtractiveEngine(model=settings.name, **settings.extractive.model_dump())


def _secret(variable: str | None) -> SecretStr | None:
    if variable is None:
        return None
    value = os.environ.get(variable)
    if not value:
        raise ConfigError(f"The environment variable {variable} is to hold the key, and is empty.")
    return SecretStr(value)
