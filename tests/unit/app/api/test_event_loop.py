"""What large requests cost whoever asks a question meanwhile: CPU time on the gateway's loop."""

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence

import httpx
import numpy as np
import pytest

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Document, IngestOutcome, Upload
from deployments.contracts.search import Embedded, InputType
from tests.doubles import DoubleDirectory, HashEmbedder
from tests.unit.app.conftest import LIVE

_MOST_CPU_S = 0.02
_PIECE = 64 * 1024
"""What a server hands over at once."""


class Elsewhere:
    """An indexer in another process: it takes no time of this one."""

    async def ingest(
        self, documents: Sequence[Document], uploads: Sequence[Upload], *, call: CallContext
    ) -> list[IngestOutcome]:
        return [IngestOutcome(upload.name, "added", "id", 1) for upload in uploads]

    async def ingest_json(self, body: bytes, *, call: CallContext) -> list[IngestOutcome]:
        assert (body[:1], body[-1:]) == (b"{", b"}")
        return [IngestOutcome("a.md", "added", "id", 1)]


class Instant(HashEmbedder):
    """An embedder that takes no time of this process."""

    async def embed(
        self,
        texts: Sequence[str],
        *,
        input_type: InputType,
        with_tokens: bool = False,
        call: CallContext,
    ) -> Embedded:
        vectors = np.full((len(texts), 384), 0.0510310, dtype=np.float32)
        return Embedded(vectors, (1,) * len(texts), model="instant")


@pytest.fixture(autouse=True)
def others_are_not_collected() -> Iterator[None]:
    """Leaves what thousands of other tests have loaded out of the collector's passes."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
async def service(stages: DoubleDirectory) -> AsyncIterator[httpx.AsyncClient]:
    stages.indexer = Elsewhere()  # type: ignore[assignment]
    stages.embedder = Instant()
    args = GatewayArgs()
    app = create_app(make_gateway(Releases(stages, lambda: LIVE), args), args)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://t", timeout=60) as client:
        await client.get("/health/live")  # what the first request loads
        yield client


async def most_cpu_s(request: "asyncio.Task[httpx.Response]") -> float:
    """The CPU time of the longest turn of the loop until the request is answered."""
    longest_s, before_s = 0.0, time.thread_time()
    while not request.done():
        await asyncio.sleep(0)
        now_s = time.thread_time()
        longest_s, before_s = max(longest_s, now_s - before_s), now_s
    return longest_s


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]


async def post(service: httpx.AsyncClient, path: str, content: bytes, kind: str) -> float:
    request = service.post(path, content=in_pieces(content), headers={"content-type": kind})
    task = asyncio.create_task(request)
    longest_s = await most_cpu_s(task)
    assert (await task).status_code == 200, (await task).text[:200]
    return longest_s


async def test_documents_as_json(service: httpx.AsyncClient) -> None:
    text = "The quick brown fox, “typographic” quotes — and a line.\n" * 400
    documents = [{"path": f"d{place}.md", "text": text} for place in range(360)]
    body = json.dumps({"documents": documents}, ensure_ascii=False).encode()
    assert len(body) > 8 * 2**20
    assert await post(service, "/v1/documents", body, "application/json") < _MOST_CPU_S


async def test_files(service: httpx.AsyncClient) -> None:
    head = b'--x\r\ncontent-disposition: form-data; name="files"; filename="a.md"\r\n\r\n'
    body = head + b"A line of text.\r\n" * 500_000 + b"\r\n--x--\r\n"
    assert len(body) > 8 * 2**20
    kind = "multipart/form-data; boundary=x"
    assert await post(service, "/v1/documents", body, kind) < _MOST_CPU_S


@pytest.mark.parametrize("encoding_format", ["float", "base64"])
async def test_embeddings(service: httpx.AsyncClient, encoding_format: str) -> None:
    asked = {"input": ["some words of a text"] * 2048, "encoding_format": encoding_format}
    content = json.dumps(asked).encode()
    assert await post(service, "/v1/embeddings", content, "application/json") < _MOST_CPU_S
