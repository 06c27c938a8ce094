"""Unpacks gzip within the bound."""

import gzip
import io
import zlib

from deployments.contracts.errors import InvalidRequest
from deployments.indexer.formats import bounds


def inflate(content: bytes) -> bytes:
    """Returns what a gzip file holds.

    Raises:
        InvalidRequest: It is damaged, or holds more than `MAX_INFLATED_BYTES`.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            inflated = file.read(bounds.MAX_INFLATED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidRequest("The file is damaged, or is not a gzip file.") from error
    bounds.check_inflated(len(inflated))
    return inflated
