"""`/v1/files`, used by OpenAI's own client."""

from typing import Any

import httpx
import openai
import pytest

from app.settings.cold.gateway import GatewayArgs
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import DocumentRecord
from tests.doubles import DoubleDirectory, MemoryRetriever, WholeDocumentIndexer

NOTE = ("note.md", b"# Note\n\nLisbon is the capital of Portugal.")


async def upload(api: openai.AsyncOpenAI, file: Any = NOTE, purpose: Any = "assistants") -> Any:
    return await api.files.create(file=file, purpose=purpose)


async def test_a_file_can_be_asked_about_from_its_upload_on(api: openai.AsyncOpenAI) -> None:
    file = await upload(api)
    assert (file.filename, file.bytes, file.purpose, file.status) == (
        "note.md",
        len(NOTE[1]),
        "assistants",
        "processed",
    )
    assert file.id.startswith("file-")
    answer = await api.responses.create(model="ragserve", input="What is the capital of Portugal?")
    assert "Lisbon" in answer.output_text
    assert await api.files.retrieve(file.id) == file
    assert await api.files.wait_for_processing(file.id) == file


class NotingRetriever(MemoryRetriever):
    """Notes how much time each look-up has."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts_s: list[float] = []

    async def document(self, document_id: str, *, call: CallContext) -> DocumentRecord:
        self.timeouts_s.append(call.timeout_s)
        return await super().document(document_id, call=call)


async def test_an_upload_has_the_time_of_writes_to_its_end(
    api: openai.AsyncOpenAI, stages: DoubleDirectory, args: GatewayArgs
) -> None:
    stages.retriever = retriever = NotingRetriever()
    stages.indexer = WholeDocumentIndexer(retriever)
    file = await upload(api)
    await api.vector_stores.files.create("vs_default", file_id=file.id, attributes={"n": 1})
    assert len(retriever.timeouts_s) == 2
    assert min(retriever.timeouts_s) > args.request_timeout_s


async def test_two_files_of_one_name_are_two_files(api: openai.AsyncOpenAI) -> None:
    first = await upload(api)
    again = await upload(api)
    other = await upload(api, ("note.md", b"Another text."))
    assert first.id == again.id
    assert first.id != other.id
    assert (await api.files.retrieve(first.id)).bytes == len(NOTE[1])


async def test_documents_are_files_and_pages_lose_none(api: openai.AsyncOpenAI) -> None:
    await upload(api, purpose="user_data")
    seen = [file async for file in api.files.list(limit=2)]
    assert [file.filename for file in seen] == ["geo/paris.md", "geo/tokyo.md", "ops.md", "note.md"]
    assert [file.bytes for file in seen[:3]] == [0, 0, 0]
    first = await api.files.list(limit=2)
    assert first.has_more
    assert first.model_extra == {"object": "list", "first_id": "paris", "last_id": "tokyo"}


@pytest.mark.parametrize(
    ("purpose", "names"),
    [
        ("assistants", ["geo/paris.md", "geo/tokyo.md", "ops.md"]),
        ("user_data", ["note.md"]),
        ("batch", []),
    ],
)
async def test_files_are_listed_by_purpose(
    api: openai.AsyncOpenAI, purpose: str, names: list[str]
) -> None:
    await upload(api, purpose="user_data")
    seen = [file async for file in api.files.list(purpose=purpose, limit=2)]
    assert [file.filename for file in seen] == names


async def test_a_deleted_file_is_gone(api: openai.AsyncOpenAI, stages: DoubleDirectory) -> None:
    file = await upload(api)
    deleted = await api.files.delete(file.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (file.id, True, "file")
    assert file.id not in stages.retriever.written
    with pytest.raises(openai.NotFoundError):
        await api.files.retrieve(file.id)


@pytest.mark.parametrize(
    ("file", "word"),
    [
        (("tool.exe", b"MZ"), ".exe"),
        (("empty.md", b""), "empty"),
        (("rows.jsonl", b'{"text": "a"}\n{"text": "b"}\n'), "/v1/documents"),
        (("rows.json", b'[{"text": "a"}, {"text": "b"}]'), "/v1/documents"),
    ],
    ids=["format", "empty", "lines", "records"],
)
async def test_a_file_that_makes_no_document_is_refused_whole(
    api: openai.AsyncOpenAI, stages: DoubleDirectory, file: tuple[str, bytes], word: str
) -> None:
    before = set(stages.retriever.written)
    with pytest.raises(openai.UnprocessableEntityError, match=word) as refused:
        await upload(api, file)
    assert refused.value.param == "file"
    assert set(stages.retriever.written) == before


async def test_one_record_is_one_file(api: openai.AsyncOpenAI) -> None:
    file = await upload(api, ("row.jsonl", b'{"text": "Rome is the capital of Italy."}\n'))
    assert file.id.startswith("file-")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"purpose": "fine-tune"}, "purpose"),
        ({"expires_after": {"anchor": "created_at", "seconds": 3600}}, "expires_after"),
    ],
)
async def test_what_is_not_supported_is_refused_by_name(
    api: openai.AsyncOpenAI, wish: dict[str, Any], field: str
) -> None:
    asked: dict[str, Any] = {"file": NOTE, "purpose": "assistants"} | wish
    with pytest.raises(openai.BadRequestError, match=field) as refused:
        await api.files.create(**asked)
    assert refused.value.code == "unsupported_field"


async def test_newest_first_is_refused(api: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="oldest first") as refused:
        await api.files.list(order="desc")
    assert refused.value.param == "query.order"


async def test_bytes_are_not_kept_and_the_text_is(api: openai.AsyncOpenAI) -> None:
    file = await upload(api)
    with pytest.raises(openai.BadRequestError, match="not kept"):
        await api.files.content(file.id)
    content = await api.vector_stores.files.content(file.id, vector_store_id="vs_default")
    assert [part.text for part in content.data] == ["# Note\n\nLisbon is the capital of Portugal."]


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ({"files": {"purpose": (None, "assistants")}}, 422),
        ({"files": {"file": NOTE}}, 400),
        ({"json": {"file": "x"}}, 415),
        ({"files": [("file", NOTE), ("file", NOTE)], "data": {"purpose": "assistants"}}, 400),
    ],
    ids=["no-file", "no-purpose", "json", "two"],
)
async def test_forms_that_are_none(
    loaded: httpx.AsyncClient, parts: dict[str, Any], status: int
) -> None:
    assert (await loaded.post("/v1/files", **parts)).status_code == status


async def test_a_file_may_be_as_large_as_an_upload(
    api: openai.AsyncOpenAI, args: GatewayArgs
) -> None:
    body = b"word " * (args.max_body_bytes // 4)
    assert args.max_body_bytes < len(body) < args.max_upload_bytes
    assert (await upload(api, ("large.txt", body))).bytes == len(body)
    with pytest.raises(openai.APIStatusError) as refused:
        await upload(api, ("larger.txt", b"word " * args.max_upload_bytes))
    assert refused.value.status_code == 413
