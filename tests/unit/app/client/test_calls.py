"""The calls know every field that the service reads, and no other."""

from app.client.calls import (
    BatchQuestion,
    FeedbackOptions,
    SearchOptions,
    add_documents,
    feedback,
    get_document,
    usage,
)
from app.client.uploads import TextDocument, Upload, text_calls
from app.schemas.answers import SearchRequest, WrittenQuery
from app.schemas.feedback import FeedbackCreate
from deployments.indexer.json_documents import DocumentInput


def test_a_question_has_the_options_that_the_service_reads() -> None:
    assert set(SearchOptions.__annotations__) == set(SearchRequest.model_fields) - {"query"}
    assert set(BatchQuestion.__annotations__) == set(WrittenQuery.model_fields)


def test_a_text_has_fields_that_the_service_reads() -> None:
    assert set(DocumentInput.model_fields) - set(TextDocument.__annotations__) == {"parts"}


def test_an_id_is_one_part_of_a_path() -> None:
    assert get_document("a/b?c").path == "/v1/documents/a%2Fb%3Fc"


def test_what_is_not_asked_is_not_sent() -> None:
    assert usage(["day", "key"], {"first_day": "2026-11-01"}).params == {
        "by": "day,key",
        "from": "2026-11-01",
    }


def test_many_texts_are_several_requests() -> None:
    short = list(text_calls(["A note."] * 130))
    assert [len(call.body["documents"]) for call in short if call.body] == [64, 64, 2]
    assert len(list(text_calls(["x" * 100_000] * 3))) == 2
    assert add_documents([]).repeat == "always"


def test_large_files_are_requests_of_their_own() -> None:
    large = b"x" * (5 * 2**20)
    upload = Upload([("a", large), ("b", large), ("c", b"x")], None, None, None)
    assert [[name for name, _ in call.files] for call in upload.calls()] == [["a"], ["b", "c"]]


def test_what_is_said_of_an_answer_has_the_fields_that_the_service_reads() -> None:
    assert set(FeedbackOptions.__annotations__) == set(FeedbackCreate.model_fields) - {"request_id"}
    call = feedback("r1", {"thumb": "down", "comment": "no"})
    assert call.body == {"request_id": "r1", "thumb": "down", "comment": "no"}
    assert call.repeat == "always"
