"""The model that has everything but meaning."""

import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer, LlamaConfig

from benchmarks.tiny_llama import build_tiny_llama


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    build_tiny_llama(folder)
    return folder


def test_text_survives_the_tokenizer(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    text = "What happens when a queue is full? Grüße, 你好 🙂\n\tdef f(x):  return x"
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert len(ids) < len(text.encode())


def test_chat_template_opens_the_assistants_turn(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nWhy?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    ids = tokenizer.encode(text)
    assert ids.count(tokenizer.convert_tokens_to_ids("<|im_start|>")) == 3
    assert ids.count(tokenizer.eos_token_id) == 2


def test_weights_depend_on_the_seed_alone(tiny: Path, tmp_path: Path) -> None:
    build_tiny_llama(tmp_path / "again")
    build_tiny_llama(tmp_path / "other", seed=1)
    first = (tiny / "model.safetensors").read_bytes()
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == first
    assert (tmp_path / "other" / "model.safetensors").read_bytes() != first


def test_every_token_of_the_model_has_a_text(tiny: Path) -> None:
    config = LlamaConfig.from_pretrained(tiny)
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    assert config.vocab_size == len(tokenizer)
    assert config.eos_token_id == tokenizer.eos_token_id


def test_large_shape_is_smollms_and_comes_without_weights(tmp_path: Path) -> None:
    build_tiny_llama(tmp_path, shape="135m")
    assert not list(tmp_path.glob("*.safetensors"))
    config = LlamaConfig.from_pretrained(tmp_path)
    assert config.num_key_value_heads is not None
    head = config.hidden_size // config.num_attention_heads
    attention = (
        config.hidden_size * head * 2 * (config.num_attention_heads + config.num_key_value_heads)
    )
    feed_forward = 3 * config.hidden_size * config.intermediate_size
    norms = 2 * config.hidden_size
    layers = config.num_hidden_layers * (attention + feed_forward + norms)
    weights = config.vocab_size * config.hidden_size + layers + config.hidden_size
    assert weights == 134_515_008
    vocabulary = json.loads((tmp_path / "tokenizer.json").read_text())["model"]["vocab"]
    assert len(vocabulary) == config.vocab_size
