"""Attributes of a file are metadata of its document, which stand with every chunk: to change them,
the document is indexed anew from the text that is kept."""

from collections.abc import Mapping
from dataclasses import replace

from app.api.documents.indexes import write_everywhere
from app.api.wire.files import with_attributes
from app.gateway import Gateway
from app.request.scope import RequestScope
from app.settings.cold.gateway import GatewayArgs
from deployments.contracts.documents import Document, DocumentRecord, Scalar
from deployments.contracts.errors import Conflict, InvalidRequest
from deployments.contracts.stages import RetrieverStage


async def set_attributes(
    record: DocumentRecord,
    attributes: Mapping[str, Scalar],
    gateway: Gateway,
    scope: RequestScope,
    args: GatewayArgs,
) -> DocumentRecord:
    """Gives a file these attributes in place of all others, in every index; returns its record.

    Raises:
        Conflict: its text was not kept.
    """
    metadata = with_attributes(record.metadata, attributes)
    if metadata == record.metadata:
        return record
    document = await source_of(record, gateway.releases.main().retrieval.retriever, scope)
    changed = replace(document, metadata=metadata)
    (outcome,) = await write_everywhere(
        lambda indexer, call: indexer.ingest([changed], (), call=call), gateway, scope, args
    )
    if outcome.status == "failed":
        raise InvalidRequest(outcome.message)
    return replace(record, metadata=metadata)


async def source_of(
    record: DocumentRecord, retriever: RetrieverStage, scope: RequestScope
) -> Document:
    """Returns a document as it came.

    Raises:
        Conflict: its text was not kept.
    """
    # Documents have no two the same place in the order of arrival.
    page = await retriever.sources(after=record.sequence - 1, limit=1, call=scope.call())
    for document in page.documents:
        if document.id == record.id:
            return document
    raise Conflict(
        f"The text of '{record.id}' was not kept by the version that indexed it; send it again."
    )
