"""A cross-encoder as an ONNX graph: pairs of texts in, a score each out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.errors import ConfigError
from deployments.encoding.onnx_runtimes import OnnxSession, OpenVinoGraph
from deployments.encoding.onnx_source import OnnxFile, check_onnx_options, pad_id_of
from deployments.encoding.reading import reading_of
from deployments.encoding.runtimes import (
    Precision,
    RuntimeName,
    concurrent_runs,
    resolve_dtype,
)
from deployments.encoding.selection import fastest

MAX_SCORE_DIFFERENCE = 0.005
"""Scores, from 0 to 1, at least this close to the model's own count as equal."""
_RANK = 2
"""Of the output: a number for each pair, in a row of its own."""
_SAMPLE = [
    ("What happens when a queue is full?", "A full queue is answered with 503. " * count)
    for count in (1, 2, 3, 5)
] + [("warm-up", ""), ("How tall is it?", "A full queue is answered with 503.")]


@dataclass(frozen=True, slots=True)
class TokenizedPair:
    """Token ids of both texts, and which of the two each is of, equally long."""

    ids: list[int]
    type_ids: list[int]


class _PairRuntime(Protocol):
    computes_padding: bool
    batch_tokens: int

    def logits(self, pairs: Sequence[TokenizedPair]) -> NDArray[np.float32]:
        """Returns (n,)."""
        ...


class OnnxPairs:
    """A cross-encoder in a folder with `model.onnx` and `tokenizer.json`.

    Args:
        folder: Of the model.
        device: Torch device; None is the CPU.
        runtime: `auto` takes the fastest of those that give the scores of the graph as it is, to
            each pair alone.
        precision: As for an encoder: where one is named, or OpenVINO, a quantised graph counts
            with its weights as floating-point numbers.
        threads: CPU threads of one run.

    Raises:
        ConfigError: it cannot run what is asked for, or the graph has not one score for a pair.
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: str | None = None,
        runtime: RuntimeName = "auto",
        precision: Precision = "auto",
        threads: int = 1,
    ) -> None:
        import torch
        from tokenizers import Tokenizer

        check_onnx_options(device, runtime)
        file = OnnxFile(folder)
        text = (folder / "tokenizer.json").read_text(encoding="utf-8")
        self._tokenizer = Tokenizer.from_str(text)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(reading_of(folder, file.sha256).max_tokens)
        dtype = resolve_dtype(precision, torch.device("cpu"))
        able = file.runtimes(runtime, precision)
        alone = partial(_Alone, file.path, threads)
        padded = partial(_Padded, file.path, dtype, threads, pad_id_of(text))
        builders: dict[str, Callable[[], _PairRuntime]] = {}
        if "onnxruntime" in able:
            builders["OnnxRuntime"] = alone
        if "openvino" in able:
            builders["OnnxOpenVino"] = padded
        self._runtime = self._choose(builders, threads)
        self.concurrent_batches = concurrent_runs(threads)
        self.computes_padding = self._runtime.computes_padding
        self.batch_tokens = self._runtime.batch_tokens

    def tokenize(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[TokenizedPair, int]]:
        """Returns per pair its tokens, and how many they are; thread-safe."""
        return [
            (TokenizedPair(one.ids, one.type_ids), len(one.ids))
            for one in self._tokenizer.encode_batch_fast(list(pairs))
        ]

    def predict(self, entries: Sequence[TokenizedPair]) -> list[float]:
        """Returns a score in [0, 1] per pair."""
        return [float(score) for score in _sigmoid(self._runtime.logits(entries))]

    def _choose(
        self, builders: dict[str, Callable[[], _PairRuntime]], threads: int
    ) -> _PairRuntime:
        pairs = [pair for pair, _ in self.tokenize(_SAMPLE)]
        reference = next(iter(builders.values()))()
        own = _sigmoid(np.concatenate([reference.logits([pair]) for pair in pairs]))

        def is_equal(one: _PairRuntime) -> bool:
            found = _sigmoid(one.logits(pairs))
            return bool(np.abs(found - own).max() <= MAX_SCORE_DIFFERENCE)

        def work(one: _PairRuntime) -> list[Callable[[], object]]:
            return [lambda: one.logits(pairs)] * concurrent_runs(threads)

        return fastest(builders, is_equal=is_equal, work=work)


class _Alone:
    """ONNX Runtime, with a run for each pair: see `AloneOnnxRuntime`."""

    computes_padding = False
    batch_tokens = 320

    def __init__(self, path: Path, threads: int) -> None:
        self._session = OnnxSession(path, threads=threads, rank=_RANK)

    def logits(self, pairs: Sequence[TokenizedPair]) -> NDArray[np.float32]:
        return np.concatenate([self._logit(pair) for pair in pairs])

    def _logit(self, pair: TokenizedPair) -> NDArray[np.float32]:
        ids = np.array([pair.ids], dtype=np.int64)
        types = np.array([pair.type_ids], dtype=np.int64)
        return _one_each(self._session.run(ids, np.ones_like(ids), types))


class _Padded:
    """OpenVINO, over whole batches."""

    computes_padding = True
    batch_tokens = 1024

    def __init__(self, path: Path, dtype: object, threads: int, pad_id: int) -> None:
        self._graph = OpenVinoGraph(path, dtype=dtype, threads=threads, rank=_RANK)  # type: ignore[arg-type]
        self._pad_id = pad_id

    def logits(self, pairs: Sequence[TokenizedPair]) -> NDArray[np.float32]:
        shape = (len(pairs), max(len(pair.ids) for pair in pairs))
        ids = np.full(shape, self._pad_id, dtype=np.int64)
        mask, types = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, pair in enumerate(pairs):
            place = row, slice(0, len(pair.ids))
            ids[place], mask[place], types[place] = pair.ids, 1, pair.type_ids
        return _one_each(self._graph.run(ids, mask, types)).copy()


def _one_each(output: NDArray[np.float32]) -> NDArray[np.float32]:
    if output.shape[1] != 1:
        raise ConfigError("The graph of a cross-encoder has one score for a pair.")
    return output[:, 0]


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -60, 60)))
    return found
