"""Documents over gRPC: written, listed, found, deleted."""

import pytest
from grpc import StatusCode

from ragserve.v1 import rag_pb2
from tests.doubles import DoubleDirectory
from tests.unit.app.rpc.conftest import TEXTS, Service


async def test_what_is_known_is_unchanged_and_what_is_new_is_added(loaded: Service) -> None:
    documents = [
        rag_pb2.Document(id="paris", path="paris.md", text=TEXTS["paris"]),
        rag_pb2.Document(id="tokyo", path="tokyo.md", text="Tokyo is large."),
        rag_pb2.Document(id="rome", path="rome.md", text="Rome is old."),
    ]
    written = await loaded.call("PutDocuments", rag_pb2.PutDocumentsRequest(documents=documents))
    assert (written.added, written.updated, written.unchanged, written.failed) == (1, 1, 1, 0)
    assert [outcome.status for outcome in written.outcomes] == ["unchanged", "updated", "added"]


async def test_files_are_read_by_their_names(loaded: Service) -> None:
    request = rag_pb2.PutDocumentsRequest(
        files=[
            rag_pb2.File(name="a/rome.md", content=b"# Rome\n\nIt is old."),
            rag_pb2.File(name="a/odd.xyz", content=b"\x00"),
        ],
        acl=rag_pb2.Acl(groups=["legal"]),
    )
    request.metadata.update({"team": "platform", "rank": 3})
    written = await loaded.call("PutDocuments", request)
    assert (written.added, written.failed) == (1, 1)
    assert written.outcomes[1].message
    page = await loaded.call("ListDocuments", rag_pb2.ListDocumentsRequest())
    (rome,) = [one for one in page.documents if one.path == "a/rome.md"]
    assert dict(rome.metadata) == {"team": "platform", "rank": 3}
    assert list(rome.acl.groups) == ["legal"]


async def test_a_list_comes_in_pages(loaded: Service) -> None:
    seen, cursor = [], None
    for _ in range(5):
        request = rag_pb2.ListDocumentsRequest(limit=2, cursor=cursor)
        page = await loaded.call("ListDocuments", request)
        seen += [document.id for document in page.documents]
        if not page.HasField("next_cursor"):
            break
        cursor = page.next_cursor
    assert seen == list(TEXTS)


async def test_a_document_is_found_and_deleted(loaded: Service) -> None:
    found = await loaded.call("GetDocument", rag_pb2.GetDocumentRequest(document_id="paris"))
    assert found.document.path == "paris.md"
    assert found.document.created_at
    assert not found.document.HasField("acl")
    gone = await loaded.call("DeleteDocument", rag_pb2.DeleteDocumentRequest(document_id="paris"))
    assert (gone.id, gone.chunk_count) == ("paris", 1)
    for name, request in (
        ("GetDocument", rag_pb2.GetDocumentRequest(document_id="paris")),
        ("DeleteDocument", rag_pb2.DeleteDocumentRequest(document_id="paris")),
    ):
        await loaded.call(name, request)
        assert loaded.context.code is StatusCode.NOT_FOUND


async def test_who_may_read_is_kept_unless_it_is_said(
    loaded: Service, stages: DoubleDirectory
) -> None:
    async def acl_after(acl: rag_pb2.Acl | None) -> list[str] | None:
        document = rag_pb2.Document(id="rome", text="Rome is old.", acl=acl)
        await loaded.call("PutDocuments", rag_pb2.PutDocumentsRequest(documents=[document]))
        assert loaded.context.code is None, loaded.context.details
        request = rag_pb2.GetDocumentRequest(document_id="rome")
        found = (await loaded.call("GetDocument", request)).document
        return list(found.acl.groups) if found.HasField("acl") else None

    assert await acl_after(rag_pb2.Acl(groups=["legal"])) == ["legal"]
    assert await acl_after(None) == ["legal"]
    assert await acl_after(rag_pb2.Acl()) is None


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("PutDocuments", rag_pb2.PutDocumentsRequest()),
        (
            "PutDocuments",
            rag_pb2.PutDocumentsRequest(
                documents=[rag_pb2.Document(text="a")], files=[rag_pb2.File(name="a.md")]
            ),
        ),
        ("PutDocuments", rag_pb2.PutDocumentsRequest(documents=[rag_pb2.Document(id="a")])),
        (
            "PutDocuments",
            rag_pb2.PutDocumentsRequest(documents=[rag_pb2.Document(id="", text="a")]),
        ),
        (
            "PutDocuments",
            rag_pb2.PutDocumentsRequest(
                files=[rag_pb2.File(name="a.md")], acl=rag_pb2.Acl(groups=["a"] * 40)
            ),
        ),
        ("ListDocuments", rag_pb2.ListDocumentsRequest(limit=0)),
        ("ListDocuments", rag_pb2.ListDocumentsRequest(limit=1001)),
        ("ListDocuments", rag_pb2.ListDocumentsRequest(cursor="last")),
        ("GetDocument", rag_pb2.GetDocumentRequest()),
        ("GetDocument", rag_pb2.GetDocumentRequest(document_id="x" * 300)),
        ("DeleteDocument", rag_pb2.DeleteDocumentRequest()),
    ],
)
async def test_what_is_against_the_schema_is_refused(
    loaded: Service, name: str, request_: object
) -> None:
    await loaded.call(name, request_)  # type: ignore[arg-type]
    assert loaded.context.code is StatusCode.INVALID_ARGUMENT, loaded.context.details
