"""`python -m benchmarks.ingest PATH...`: chunks per second, beside the bare encoder.

The limit is what sentence-transformers makes of the same chunks in this process, sorted and batched
its own way, in the same arithmetic, with the service up and idle. Both run once, one after the
other.
"""

import json
import time
import uuid
from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import UrlOption
from app.client import ingestion
from app.client.address import DEFAULT_URL
from app.client.api_client import ApiClient
from app.client.files import SourceFile, find_files
from benchmarks import environment
from deployments.contracts.documents import Document, Upload
from deployments.encoding.runtimes import resolve_dtype
from deployments.encoding.weights import PACKAGED_MODEL, model_path, tokenizer_path
from deployments.indexer.chunking import Chunker
from deployments.indexer.config import IndexerArgs
from deployments.indexer.documents import read_documents


def main(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders to ingest.")],
    url: UrlOption = DEFAULT_URL,
    max_bare_chunks: Annotated[
        int, typer.Option(help="Chunks that the bare encoder is given at most.")
    ] = 4000,
    output: Annotated[Path | None, typer.Option(help="File for the JSON result.")] = None,
) -> None:
    """Measure ingestion; the documents are written anew whatever the service knows.

    Example: python -m benchmarks.ingest docs --output ingest.json
    """
    found = find_files(paths, root=None)
    files = [item for item in found if isinstance(item, SourceFile)]
    service = _through_the_service(files, url)
    bare = _bare_encoder(files, max_bare_chunks)
    result = {
        "environment": environment.describe(),
        "service": service,
        "bare_encoder": bare,
        "ratio": round(service["chunks_per_s"] / bare["chunks_per_s"], 3),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if output is not None:
        output.write_text(text + "\n")


def _through_the_service(files: list[SourceFile], url: str) -> dict[str, float]:
    # Metadata that no earlier run had makes every document one that has changed.
    metadata = {"benchmark_run": uuid.uuid4().hex}
    total_bytes = sum(file.size_bytes for file in files)
    started_s = time.perf_counter()
    with (
        ApiClient(url, timeout_s=600) as service,
        typer.progressbar(length=total_bytes, label="service") as bar,
    ):
        report = ingestion.ingest(
            files,
            lambda body: service.post("/v1/documents", body),
            metadata=metadata,
            on_progress=lambda done_bytes, _: bar.update(done_bytes - bar.pos),
        )
    return _rate(report.chunk_count, time.perf_counter() - started_s)


def _bare_encoder(files: list[SourceFile], max_chunks: int) -> dict[str, float]:
    import torch
    from sentence_transformers import SentenceTransformer

    settings = IndexerArgs()
    chunker = Chunker(
        tokenizer_path(PACKAGED_MODEL),
        max_tokens=settings.max_chunk_tokens,
        overlap_tokens=settings.overlap_tokens,
    )
    passages: list[str] = []
    for file in files:
        for item in read_documents(Upload(file.path, file.file.read_bytes())):
            if isinstance(item, Document):
                passages += [chunk.passage() for chunk in chunker.split(item)]
            if len(passages) >= max_chunks:
                break
    passages = passages[:max_chunks]
    model = SentenceTransformer(model_path(PACKAGED_MODEL), device="cpu")
    dtype = resolve_dtype("auto", torch.device("cpu"))
    with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
        model.encode(passages[:32], batch_size=32)
        started_s = time.perf_counter()
        model.encode(passages, batch_size=32, normalize_embeddings=True, show_progress_bar=True)
    return _rate(len(passages), time.perf_counter() - started_s)


def _rate(chunk_count: int, took_s: float) -> dict[str, float]:
    return {
        "chunk_count": chunk_count,
        "took_s": round(took_s, 1),
        "chunks_per_s": round(chunk_count / took_s, 1),
    }


if __name__ == "__main__":
    typer.run(main)
