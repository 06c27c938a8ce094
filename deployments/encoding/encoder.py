"""The one adapter over models that encode: token ids in, sentence vectors or token vectors out.

Tokenising and running the model are two calls, so that a batcher can count tokens before it plans a
batch.
"""

import os
import string
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.errors import ConfigError
from deployments.contracts.search import InputType
from deployments.contracts.vectors import Vectors
from deployments.encoding.onnx_source import OnnxSource
from deployments.encoding.reading import Reading
from deployments.encoding.runtimes import Builders, Precision, Runtime, RuntimeName
from deployments.encoding.selection import MIN_COSINE, fastest, min_cosine
from deployments.encoding.sentence_transformer import SentenceTransformerSource
from deployments.encoding.weights import PACKAGED_MODEL, onnx_folder

if TYPE_CHECKING:
    import torch

    from deployments.encoding.runtimes import Features

_PAD_MULTIPLE = 8
"""Fewer distinct shapes: the CPU backend keeps compiled code and buffers for each it has seen."""
_MASK_TOKENS = ("[MASK]", "<mask>")
_SAMPLE = [
    "What happens when a queue is full?",
    "warm-up",
    "",
    *("alpha beta gamma delta " * count for count in (1, 2, 3, 4, 7)),
]
"""Texts of unequal length: batching them must change nothing."""


class Source(Protocol):
    """Weights with their tokenizer, and the runtimes that can run them.

    `dimension` is 0 where only a run tells it; `digest` tells the model from every other, of the
    same name included; `prompts` stand before texts that are embedded, by their kind.
    """

    device: "torch.device"
    dimension: int
    tokenizer_json: str
    pad_id: int
    reading: Reading
    prompts: dict[str, str]
    digest: str

    def pool(self, features: "Features", vectors: "torch.Tensor") -> "torch.Tensor":
        """Returns the vectors of texts, (n, dim), from those of their tokens."""
        ...

    def reference(self, runtime: RuntimeName, precision: Precision, threads: int) -> Runtime:
        """Returns what gives the model's own vectors to a text alone."""
        ...

    def attempts(
        self, runtime: RuntimeName, precision: Precision, threads: int
    ) -> Sequence[Builders]:
        """Returns what may run the model: a set of candidates, and others in case none of those
        gives its vectors."""
        ...


class Encoder:
    """A loaded model on one device.

    Args:
        model: Name or folder of a sentence-transformers model; or a folder with `model.onnx` and
            `tokenizer.json`, also one in an installed package (`package:NAME/FOLDER`).
        device: Torch device; None takes the GPU where there is one, and the model can run there.
        runtime: What runs the transformer. `auto` times those that can on a CPU and takes the
            fastest one that gives the model's own vectors: those of torch in float32, or those of
            an ONNX graph for each text alone.
        precision: Arithmetic of the matrix products. `auto` is bfloat16 where the hardware has it,
            else float32; and that of the graph where it is quantised.
        threads: Threads of one model run on a CPU. One per run, and a run for each core, gives the
            most; a single long text gets its answer sooner with more.

    Raises:
        ConfigError: the model is not there, or the runtime cannot run it.
    """

    def __init__(
        self,
        model: str = PACKAGED_MODEL,
        *,
        device: str | None = None,
        runtime: RuntimeName = "auto",
        precision: Precision = "auto",
        threads: int = 1,
    ) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        # Threads that wait for each other by spinning starve as soon as anybody else needs a core;
        # read once, when torch is first imported.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import torch
        from tokenizers import Tokenizer

        self.model = model
        self._torch = torch
        source = _source(model, device, runtime, precision)
        self._source = source
        self._reading = source.reading
        self.max_tokens = source.reading.max_tokens
        # A copy with fixed settings: a shared one changes its truncation on every call, which two
        # threads must not do at once.
        self._splitter = Tokenizer.from_str(source.tokenizer_json)
        self._splitter.no_padding()
        self._splitter.enable_truncation(self.max_tokens)
        self._markers = {
            "query": self._id_of(source.reading.query_marker),
            "document": self._id_of(source.reading.document_marker),
        }
        self._mask_id = self._find_mask_id()
        self._skipped = self._punctuation() if source.reading.skips_punctuation else frozenset()
        self.prompts = source.prompts
        self.digest = source.digest
        """Tells the model from every other, of the same name included."""
        self.embeds = source.reading.pooling is not None
        """Whether it has vectors of whole texts."""
        self.reads_alike = not any(self._markers.values()) and not source.reading.query_tokens
        """Whether token vectors that are compared come of the same ids as sentence vectors."""
        self._runtime = self._choose(runtime, precision, threads)
        self.dimension = source.dimension or self._run_dimension()
        self.concurrent_batches = self._runtime.concurrent_batches
        """Model runs that fill the device: what a batcher may run at once."""
        self.computes_padding = self._runtime.computes_padding
        self.batch_tokens = self._runtime.batch_tokens
        """Cost of a batch, in tokens, beyond which a larger one gains nothing."""

    def tokenize(self, texts: Sequence[str], *, prompt: str = "") -> list[list[int]]:
        """Returns token ids per text, with special tokens, cut to `max_tokens`; thread-safe."""
        encodings = self._splitter.encode_batch_fast([prompt + text for text in texts])
        return [encoding.ids for encoding in encodings]

    def tokenize_compared(self, texts: Sequence[str], input_type: InputType) -> list[list[int]]:
        """Returns token ids per text, as the model reads it to compare tokens: with its marker, and
        a query filled up with mask tokens; thread-safe.

        Source: Khattab and Zaharia, ColBERT, SIGIR 2020, section 3.2.
        """
        marker = self._markers[input_type]
        read = self.tokenize(texts)
        if marker is not None:
            # A text that fills the window keeps its last special token.
            keep = self.max_tokens - 1
            read = [
                [ids[0], marker, *(ids[1:] if len(ids) <= keep else [*ids[1 : keep - 1], ids[-1]])]
                for ids in read
            ]
        if input_type == "query" and self._mask_id is not None:
            wanted = self._reading.query_tokens
            read = [ids + [self._mask_id] * (wanted - len(ids)) for ids in read]
        return read

    def compared(self, token_ids: Sequence[int]) -> NDArray[np.bool_]:
        """Returns for each token of a passage whether its vector is compared; some always is."""
        kept = np.array([token_id not in self._skipped for token_id in token_ids], dtype=np.bool_)
        return kept if kept.any() else ~kept

    def encode(self, token_ids: Sequence[list[int]]) -> Vectors:
        """Returns one L2-normalised vector per text, shape (n, dim)."""
        return self._encode(self._runtime, token_ids)

    def encode_tokens(self, token_ids: Sequence[list[int]]) -> list[NDArray[np.float32]]:
        """Returns per text the L2-normalised vectors of its tokens, each of shape (tokens, dim)."""
        return self._encode_tokens(self._runtime, token_ids)

    def encode_both(
        self, token_ids: Sequence[list[int]]
    ) -> tuple[Vectors, list[NDArray[np.float32]]]:
        """Returns what `encode` and `encode_tokens` do, of one run of the model."""
        features = self._features(token_ids)
        vectors = self._runtime.token_embeddings(features)
        return self._pooled(features, vectors), self._by_text(vectors, token_ids)

    def _encode_tokens(
        self, runtime: Runtime, token_ids: Sequence[list[int]]
    ) -> list[NDArray[np.float32]]:
        features = self._features(token_ids)
        return self._by_text(runtime.token_embeddings(features), token_ids)

    def _by_text(
        self, vectors: "torch.Tensor", token_ids: Sequence[list[int]]
    ) -> list[NDArray[np.float32]]:
        array = self._torch.nn.functional.normalize(vectors, dim=-1).cpu().numpy()
        return [row[: len(ids)] for row, ids in zip(array, token_ids, strict=True)]

    def _encode(self, runtime: Runtime, token_ids: Sequence[list[int]]) -> Vectors:
        features = self._features(token_ids)
        return self._pooled(features, runtime.token_embeddings(features))

    def _pooled(self, features: "dict[str, torch.Tensor]", vectors: "torch.Tensor") -> Vectors:
        with self._torch.inference_mode():
            pooled = self._source.pool(features, vectors)
            pooled = self._torch.nn.functional.normalize(pooled, dim=-1)
        array: Vectors = pooled.float().cpu().numpy()
        return array

    def _features(self, token_ids: Sequence[list[int]]) -> "dict[str, torch.Tensor]":
        longest = max(map(len, token_ids))
        shape = (len(token_ids), -(-longest // _PAD_MULTIPLE) * _PAD_MULTIPLE)
        input_ids = np.full(shape, self._source.pad_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for row, ids in enumerate(token_ids):
            input_ids[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        if self._mask_id is not None and not self._reading.attends_to_masks:
            mask[input_ids == self._mask_id] = 0
        return {
            name: self._torch.from_numpy(array).to(self._source.device)
            for name, array in (("input_ids", input_ids), ("attention_mask", mask))
        }

    def _choose(self, runtime: RuntimeName, precision: Precision, threads: int) -> Runtime:
        """Returns the fastest of the runtimes that were asked for, after comparing its vectors of a
        batch with the model's own of each text alone."""
        texts = self.tokenize(_SAMPLE)
        # A model of token vectors alone is held to those.
        rows: Callable[[Runtime, Sequence[list[int]]], Vectors] = self._encode
        if self._reading.pooling is None:
            texts += self.tokenize_compared(_SAMPLE, "query")
            rows = self._token_rows
        plain = self._source.reference(runtime, precision, threads)
        reference = np.concatenate([rows(plain, [ids]) for ids in texts])

        def is_equal(one: Runtime) -> bool:
            return min_cosine(rows(one, texts), reference) >= MIN_COSINE

        def work(one: Runtime) -> list[Callable[[], object]]:
            return [lambda: rows(one, 3 * texts)] * one.concurrent_batches

        *first, last = self._source.attempts(runtime, precision, threads)
        for builders in first:
            try:
                return fastest(builders, is_equal=is_equal, work=work)
            except ConfigError:
                continue
        return fastest(last, is_equal=is_equal, work=work)

    def _token_rows(self, runtime: Runtime, token_ids: Sequence[list[int]]) -> Vectors:
        return np.concatenate(self._encode_tokens(runtime, token_ids))

    def _run_dimension(self) -> int:
        return int(self.encode_tokens(self.tokenize([""]))[0].shape[1])

    def _id_of(self, token: str) -> int | None:
        if not token:
            return None
        found: int | None = self._splitter.token_to_id(token)
        if found is None:
            raise ConfigError(f"The tokenizer of '{self.model}' has no token '{token}'.")
        return found

    def _find_mask_id(self) -> int | None:
        """Returns the token that fills queries up, None where none does."""
        if not self._reading.query_tokens:
            return None
        for token in _MASK_TOKENS:
            found: int | None = self._splitter.token_to_id(token)
            if found is not None:
                return found
        raise ConfigError(f"The tokenizer of '{self.model}' has no mask token to fill queries up.")

    def _punctuation(self) -> frozenset[int]:
        ids = (self._splitter.token_to_id(mark) for mark in string.punctuation)
        return frozenset(token_id for token_id in ids if token_id is not None)


def _source(model: str, device: str | None, runtime: RuntimeName, precision: Precision) -> Source:
    folder = onnx_folder(model)
    if folder is not None:
        return OnnxSource(folder, device, runtime, precision)
    if runtime == "onnxruntime":
        raise ConfigError(f"ONNX Runtime runs folders with a model.onnx: '{model}' is none.")
    return SentenceTransformerSource(model, device)
