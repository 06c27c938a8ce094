"""The files of a vector store, one by one and in batches, used by OpenAI's own client."""

from dataclasses import replace
from typing import Any

import openai
import pytest

from tests.doubles import DoubleDirectory

STORE = "vs_default"
NOTE = ("note.md", b"# Note\n\nLisbon is the capital of Portugal.")


async def test_attaching_a_file_gives_it_attributes(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    file = await api.files.create(file=NOTE, purpose="assistants")
    attached = await api.vector_stores.files.create(
        STORE, file_id=file.id, attributes={"team": "geo", "year": 2026, "is_new": True}
    )
    assert (attached.id, attached.status, attached.vector_store_id) == (
        file.id,
        "completed",
        STORE,
    )
    assert attached.attributes == {"team": "geo", "year": 2026, "is_new": True}
    assert attached.usage_bytes == len(NOTE[1])
    found = await api.vector_stores.search(
        STORE,
        query="capital of Portugal",
        filters={"type": "gte", "key": "year", "value": 2026},
    )
    assert [one.file_id for one in found.data] == [file.id]
    assert stages.retriever.written[file.id].chunks[0].metadata["team"] == "geo"
    assert (await api.files.retrieve(file.id)) == file


async def test_attaching_keeps_what_a_file_says_of_itself(api: openai.AsyncOpenAI) -> None:
    attached = await api.vector_stores.files.create(
        STORE, file_id="paris", attributes={"team": "geo"}
    )
    assert attached.attributes == {"area": "eu", "team": "geo"}
    changed = await api.vector_stores.files.update(
        "paris", vector_store_id=STORE, attributes={"team": "ops"}
    )
    assert changed.attributes == {"team": "ops"}
    assert await api.vector_stores.files.retrieve("paris", vector_store_id=STORE) == changed


async def test_without_attributes_nothing_is_written(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    before = stages.indexer.calls
    await api.vector_stores.files.create_and_poll("paris", vector_store_id=STORE)
    assert stages.indexer.calls == before


async def test_an_upload_that_is_repeated_keeps_attributes(api: openai.AsyncOpenAI) -> None:
    file = await api.files.create(file=NOTE, purpose="assistants")
    attached = await api.vector_stores.files.create(
        STORE, file_id=file.id, attributes={"team": "geo"}
    )
    assert await api.files.create(file=NOTE, purpose="assistants") == file
    assert await api.vector_stores.files.retrieve(file.id, vector_store_id=STORE) == attached


async def test_the_clients_helpers_upload_and_wait(api: openai.AsyncOpenAI) -> None:
    file = await api.vector_stores.files.upload_and_poll(
        vector_store_id=STORE, file=NOTE, attributes={"team": "geo"}
    )
    assert (file.status, file.attributes) == ("completed", {"team": "geo"})
    batch = await api.vector_stores.file_batches.upload_and_poll(
        STORE, files=[("a.md", b"One text."), ("b.md", b"Another text.")]
    )
    assert (batch.status, batch.file_counts.completed) == ("completed", 2)


async def test_files_are_listed_without_loss(api: openai.AsyncOpenAI) -> None:
    seen = [one.id async for one in api.vector_stores.files.list(STORE, limit=2)]
    assert seen == ["paris", "tokyo", "queue"]
    failed = await api.vector_stores.files.list(STORE, filter="failed")
    assert failed.data == []
    with pytest.raises(openai.BadRequestError, match="oldest first"):
        await api.vector_stores.files.list(STORE, before="queue")


async def test_a_page_after_a_file_that_is_gone_is_refused(api: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        await api.vector_stores.files.list(STORE, after="nobody")


async def test_a_file_taken_out_of_the_store_is_gone(api: openai.AsyncOpenAI) -> None:
    deleted = await api.vector_stores.files.delete("paris", vector_store_id=STORE)
    assert (deleted.deleted, deleted.object) == (True, "vector_store.file.deleted")
    with pytest.raises(openai.NotFoundError):
        await api.files.retrieve("paris")


async def test_a_batch_gives_each_file_its_attributes(api: openai.AsyncOpenAI) -> None:
    batch = await api.vector_stores.file_batches.create(
        STORE,
        files=[{"file_id": "paris", "attributes": {"n": 1}}, {"file_id": "tokyo"}],
    )
    assert (batch.file_counts.completed, batch.file_counts.total) == (2, 2)
    assert batch == await api.vector_stores.file_batches.retrieve(batch.id, vector_store_id=STORE)
    paris = await api.vector_stores.files.retrieve("paris", vector_store_id=STORE)
    assert paris.attributes == {"area": "eu", "n": 1}


async def test_a_file_without_a_text_counts_as_failed(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    written = stages.retriever.written
    written["paris"] = replace(written["paris"], parts=())
    batch = await api.vector_stores.file_batches.create(
        STORE, file_ids=["paris", "tokyo"], attributes={"n": 1}
    )
    assert (batch.file_counts.failed, batch.file_counts.completed) == (1, 1)
    with pytest.raises(openai.ConflictError, match="send it again"):
        await api.vector_stores.files.create(STORE, file_id="paris", attributes={"n": 2})


async def test_a_batch_with_a_file_that_is_not_there_changes_nothing(
    api: openai.AsyncOpenAI, stages: DoubleDirectory
) -> None:
    before = stages.indexer.calls
    with pytest.raises(openai.NotFoundError, match="nobody"):
        await api.vector_stores.file_batches.create(
            STORE, file_ids=["paris", "nobody"], attributes={"n": 1}
        )
    assert stages.indexer.calls == before


async def test_what_is_not_kept_of_a_batch_is_refused(api: openai.AsyncOpenAI) -> None:
    batch = await api.vector_stores.file_batches.create(STORE, file_ids=["paris"])
    with pytest.raises(openai.ConflictError, match="ended"):
        await api.vector_stores.file_batches.cancel(batch.id, vector_store_id=STORE)
    with pytest.raises(openai.BadRequestError, match="not kept"):
        await api.vector_stores.file_batches.list_files(batch.id, vector_store_id=STORE)
    with pytest.raises(openai.NotFoundError):
        await api.vector_stores.file_batches.retrieve("vsfb_other", vector_store_id=STORE)


@pytest.mark.parametrize(
    ("wish", "error", "word"),
    [
        (
            {"chunking_strategy": {"type": "static", "static": {}}},
            openai.BadRequestError,
            "chunking_strategy",
        ),
        ({"attributes": {"path": "x"}}, openai.UnprocessableEntityError, "path"),
        ({"attributes": {"$and": "x"}}, openai.UnprocessableEntityError, "attributes"),
        ({"attributes": {"a": [1]}}, openai.UnprocessableEntityError, "attributes"),
        (
            {"attributes": {f"k{place}": 1 for place in range(17)}},
            openai.UnprocessableEntityError,
            "attributes",
        ),
    ],
    ids=["chunking", "reserved", "operator", "nested", "many"],
)
async def test_bad_attributes_are_refused_by_name(
    api: openai.AsyncOpenAI, wish: dict[str, Any], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        await api.vector_stores.files.create(STORE, file_id="paris", **wish)


async def test_an_automatic_split_is_what_there_is(api: openai.AsyncOpenAI) -> None:
    file = await api.vector_stores.files.create(
        STORE, file_id="paris", chunking_strategy={"type": "auto"}
    )
    assert file.chunking_strategy is not None
    assert file.chunking_strategy.type == "other"
