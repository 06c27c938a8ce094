"""`python -m benchmarks.tiny_llama`: a language model without meaning, made here in seconds.

It has everything that an engine reads: configuration, tokenizer, chat template, weights. Its words
are noise, so it is good for what does not depend on words: tests of an engine, and the speed of a
shape.
"""

import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli.output import make_console

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import LlamaConfig

Shape = Literal["tiny", "135m"]

_SHAPES: dict[Shape, dict[str, Any]] = {
    "tiny": {
        "vocab_size": 2048,
        "hidden_size": 128,
        "intermediate_size": 384,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    },
    "135m": {
        "vocab_size": 49152,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
    },
}
"""Source of the second: the configuration of SmolLM-135M."""
_MAX_TOKENS = 2048
_WEIGHT_STD = 0.2
"""Ten times what one trains from: with small weights the same token wins everywhere."""
_END_OF_TEXT, _START_OF_TURN, _END_OF_TURN = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
_CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_NOT_THE_LIBRARY = {"site-packages", "dist-packages", "test"}
_DOCSTRING = re.compile(r'"""(.+?)"""', re.DOTALL)


def main(
    out: Annotated[Path, typer.Argument(help="Folder to write; made if it is not there.")],
    shape: Annotated[
        Shape,
        typer.Option(
            help="tiny: 0.6 M weights. 135m: the shape of SmolLM-135M, without a file of weights."
        ),
    ] = "tiny",
    seed: Annotated[int, typer.Option(help="Another seed gives other weights.")] = 0,
) -> None:
    """Write a Llama with random weights, its tokenizer and a chat template. No network is needed.

    Example: python -m benchmarks.tiny_llama /tmp/tiny

    In a generator's settings: engine: vllm, vllm: {model: /tmp/tiny}. The shape 135m has no
    weights: add engine_args: {load_format: dummy}, and vLLM makes random ones.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    build_tiny_llama(out, shape=shape, seed=seed)
    size_mb = sum(file.stat().st_size for file in out.iterdir()) / 1e6
    make_console().print(f"{out}: a Llama of shape {shape}, seed {seed}, {size_mb:.1f} MB")


def build_tiny_llama(folder: Path, *, shape: Shape = "tiny", seed: int = 0) -> None:
    """Writes a model that `transformers` and vLLM load; for `135m` without weights.

    The same seed gives the same weights; the tokenizer depends on the Python version alone.
    """
    import torch
    from transformers import LlamaForCausalLM

    tokenizer = _train_tokenizer(shape)
    config = _config(tokenizer, shape)
    _save_tokenizer(tokenizer, folder)
    if shape == "135m":
        config.save_pretrained(folder)
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)  # type: ignore[no-untyped-call]
        model.save_pretrained(folder)


def _train_tokenizer(shape: Shape) -> "Tokenizer":
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_SHAPES[shape]["vocab_size"],
        special_tokens=[_END_OF_TEXT, _START_OF_TURN, _END_OF_TURN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_corpus(shape), trainer)
    return tokenizer


def _corpus(shape: Shape) -> Iterator[str]:
    """Yields prose of Python's standard library; the code too for the large vocabulary, which the
    prose cannot fill."""
    library = Path(sysconfig.get_paths()["stdlib"])
    if shape == "tiny":
        for file in sorted(library.glob("*.py")):
            yield from _DOCSTRING.findall(file.read_text(encoding="utf-8", errors="replace"))
        return
    for file in sorted(library.rglob("*.py")):
        if file.relative_to(library).parts[0] not in _NOT_THE_LIBRARY:
            yield file.read_text(encoding="utf-8", errors="replace")


def _config(tokenizer: "Tokenizer", shape: Shape) -> "LlamaConfig":
    from transformers import LlamaConfig

    return LlamaConfig(
        **_SHAPES[shape],
        max_position_embeddings=_MAX_TOKENS,
        tie_word_embeddings=True,
        initializer_range=_WEIGHT_STD,
        bos_token_id=tokenizer.token_to_id(_END_OF_TEXT),
        eos_token_id=tokenizer.token_to_id(_END_OF_TURN),
        pad_token_id=tokenizer.token_to_id(_END_OF_TEXT),
        architectures=["LlamaForCausalLM"],
        dtype="float32",
    )


def _save_tokenizer(tokenizer: "Tokenizer", folder: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=_END_OF_TEXT,
        eos_token=_END_OF_TURN,
        pad_token=_END_OF_TEXT,
        additional_special_tokens=[_START_OF_TURN],
        model_max_length=_MAX_TOKENS,
        clean_up_tokenization_spaces=False,
        chat_template=_CHAT_TEMPLATE,
    ).save_pretrained(folder)


if __name__ == "__main__":
    typer.run(main)
