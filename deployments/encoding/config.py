"""The settings of whatever runs an encoder behind a batcher: the embedder and the reranker."""

from collections.abc import Mapping

from pydantic import Field

from deployments.encoding.encoder import Encoder
from deployments.encoding.runtimes import Precision, RuntimeName
from deployments.encoding.token_files import TokenFiles
from deployments.encoding.weights import PACKAGED_MODEL
from deployments.node_folder import node_folder
from deployments.settings import Settings


class TokenVectorArgs(Settings):
    """Token vectors of passages that are kept in files of the node."""

    path: str | None = None
    """Absolute folder; None takes the one that the environment variable `RAGSERVE_INDEX_DIR` names.
    Where there is neither, they are in memory alone."""

    max_bytes: int = Field(default=4 * 2**30, ge=0)
    """Room on the disk of each node and for each model. One byte for each dimension and token: some
    50 kB for a passage of 128 tokens with all-MiniLM-L6-v2, so that 4 GiB are enough for 80,000.
    Those that were written first go. 0 keeps none."""

    @classmethod
    def of(cls, given: Mapping[str, object] | None) -> "TokenVectorArgs":
        """Returns settings from a mapping; of None, that nothing is kept."""
        return cls.model_validate({"max_bytes": 0} if given is None else given)

    def open_files(self, model_digest: str) -> TokenFiles | None:
        """Returns the files for a model, None where there are none."""
        folder = node_folder(self.path)
        if folder is None or not self.max_bytes:
            return None
        return TokenFiles(folder, model_digest, max_bytes=self.max_bytes)


class EncodingArgs(Settings):
    """Which model encodes, on what, and how much of it runs at once."""

    model: str = PACKAGED_MODEL
    """A sentence-transformers model by name or folder. The default comes with the installation."""

    device: str | None = None
    """Torch device such as `cpu` or `cuda`. None takes the GPU where there is one."""

    runtime: RuntimeName = "auto"
    """What runs the model. `auto` times torch and OpenVINO at the start, on a CPU, and takes the
    faster one that gives the vectors of torch in float32; a GPU runs torch."""

    precision: Precision = "auto"
    """Arithmetic of the matrix products; `auto` is bfloat16 where the hardware has it, else
    float32."""

    threads: int = Field(default=1, ge=1)
    """CPU threads of one batch; as many batches run at once as fill the cores. One thread each
    gives the most texts per second, more of them the soonest answer to one long text."""

    max_batch_tokens: int | None = Field(default=None, ge=1)
    """Tokens that one batch costs at most: padding included, where the runtime computes it. None is
    what suits the runtime: 320 where texts are packed, 1024 on a CPU where they are padded, and
    16384 on a GPU."""

    max_batch_requests: int = Field(default=64, ge=1)
    """Texts, or pairs of query and text, of one batch."""

    max_queued_tokens: int = Field(default=262_144, ge=1)
    """Tokens that may wait. Over it the stage refuses with `overloaded` before doing any work."""

    max_queue_s: float = Field(default=5.0, gt=0)
    """Time a call may wait for its turn, by the measured speed of the model. One that would wait
    longer is refused with `overloaded` at once."""

    def load_encoder(self) -> Encoder:
        """Returns the model, loaded; see `Encoder` for what it raises."""
        return Encoder(
            self.model,
            device=self.device,
            runtime=self.runtime,
            precision=self.precision,
            threads=self.threads,
        )
