"""OpenAI's files and vector stores over the real index."""

from collections.abc import Iterator

import openai
import pytest
from openai.types.responses import ResponseOutputMessage
from openai.types.vector_stores import VectorStoreFile

from tests.integration.cluster import Cluster

STORE = "vs_default"
NOTE = b"# Otters\n\nThe otter sleeps on its back and holds hands, so that nobody drifts away.\n"


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[openai.OpenAI]:
    cluster.wait_ready()
    with openai.OpenAI(base_url=f"{cluster.url}/v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def note(api: openai.OpenAI) -> Iterator[VectorStoreFile]:
    """A file with attributes, which is gone after the tests."""
    file = api.files.create(file=("otters.md", NOTE), purpose="assistants")
    yield api.vector_stores.files.create_and_poll(
        file.id, vector_store_id=STORE, attributes={"animal": "otter", "year": 2026}
    )
    api.files.delete(file.id)
    with pytest.raises(openai.NotFoundError):
        api.files.retrieve(file.id)


def test_a_file_is_found_by_its_attributes(api: openai.OpenAI, note: VectorStoreFile) -> None:
    assert note.attributes == {"animal": "otter", "year": 2026}
    found = api.vector_stores.search(
        STORE,
        query="How do otters sleep?",
        filters={
            "type": "and",
            "filters": [
                {"type": "eq", "key": "animal", "value": "otter"},
                {"type": "gte", "key": "year", "value": 2026},
            ],
        },
    )
    assert {result.file_id for result in found.data} == {note.id}
    content = api.vector_stores.files.content(note.id, vector_store_id=STORE)
    assert "holds hands" in (content.data[0].text or "")


def test_an_answer_cites_the_file(api: openai.OpenAI, note: VectorStoreFile) -> None:
    answer = api.responses.create(
        model="ragserve",
        input="Why do otters hold hands?",
        tools=[
            {
                "type": "file_search",
                "vector_store_ids": [STORE],
                "filters": {"type": "eq", "key": "animal", "value": "otter"},
            }
        ],
    )
    assert "holds hands" in answer.output_text
    message = answer.output[1]
    assert isinstance(message, ResponseOutputMessage)
    [text] = message.content
    assert text.type == "output_text"
    cited = {one.file_id for one in text.annotations if one.type == "file_citation"}
    assert cited == {note.id}


def test_an_upload_that_is_repeated_keeps_attributes(
    api: openai.OpenAI, note: VectorStoreFile
) -> None:
    again = api.files.create(file=("otters.md", NOTE), purpose="assistants")
    assert again.id == note.id
    listed = [file.id for file in api.files.list(limit=500)]
    assert listed.count(note.id) == 1
    kept = api.vector_stores.files.retrieve(note.id, vector_store_id=STORE)
    assert kept.attributes == note.attributes
