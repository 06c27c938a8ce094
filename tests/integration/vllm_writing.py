"""What a vLLM engine writes, and what it is held to."""

from contextlib import aclosing
from pathlib import Path
from typing import Any

from transformers import AutoModelForCausalLM, AutoTokenizer

from deployments.contracts.calls import CallContext
from deployments.contracts.generation import EngineDelta, Prompt, Sampling
from deployments.generator.vllm.engine import VllmEngine

CALL = CallContext("request", 60.0)


async def write(engine: VllmEngine, prompt: Prompt, sampling: Sampling) -> list[EngineDelta]:
    async with aclosing(engine.stream(prompt, sampling, call=CALL)) as deltas:
        return [delta async for delta in deltas]


def text_of(deltas: list[EngineDelta]) -> str:
    return "".join(delta.text for delta in deltas)


def tokens_of(deltas: list[EngineDelta]) -> int:
    return sum(delta.completion_tokens for delta in deltas)


def expected_text(folder: Path, prompts: list[Prompt]) -> list[str]:
    """Returns what transformers writes by always taking the likeliest token."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    texts = []
    for prompt in prompts:
        turns = [{"role": one.role, "content": one.content} for one in prompt.messages]
        if prompt.text is not None:
            inputs = tokenizer(prompt.text, return_tensors="pt")["input_ids"]
        else:
            inputs = tokenizer.apply_chat_template(
                turns, add_generation_prompt=True, return_dict=False, return_tensors="pt"
            )
        written = model.generate(inputs, max_new_tokens=24, do_sample=False)
        texts.append(tokenizer.decode(written[0][inputs.shape[1] :], skip_special_tokens=True))
    return texts
