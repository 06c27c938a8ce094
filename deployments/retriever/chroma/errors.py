"""What may go wrong in a call of Chroma's library, and what we call it.

the caller's filter   ValueError, TypeError (the library's own checks), InvalidArgumentError,
                      400 and 422 in plain words                             InvalidRequest
another embedder      InvalidDimensionException, InvalidArgumentError that says so  StageFailed
the store is away     everything of httpx, OSError, other errors of Chroma, answers that are no
                      JSON (of a proxy, or cut off), and errors without a name   Unavailable
anything else                                                                    StageFailed
"""

import json

from deployments.contracts.errors import InvalidRequest, RagError, StageFailed, Unavailable

_STAGE = "retriever"
_REFUSALS = frozenset({400, 422})


def translate(error: Exception) -> RagError:
    """Returns our error for one that the library raised."""
    import httpx
    from chromadb.errors import ChromaError, InvalidArgumentError, InvalidDimensionException

    if isinstance(error, RagError):
        return error
    if isinstance(error, InvalidDimensionException) or (
        isinstance(error, InvalidArgumentError) and "dimension" in str(error).lower()
    ):
        return StageFailed("The collection holds vectors of another embedding model.", _STAGE)
    if isinstance(error, InvalidArgumentError):
        return _not_understood()
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in _REFUSALS:
        return _not_understood()
    # Before ValueError, which a JSONDecodeError is. What is no more than an Exception is a server's
    # refusal that has no class in the library; a client that is closed meanwhile is a RuntimeError.
    if (
        isinstance(
            error,
            httpx.HTTPError
            | httpx.InvalidURL
            | httpx.CookieConflict
            | ChromaError
            | OSError
            | RuntimeError
            | json.JSONDecodeError,
        )
        or type(error) is Exception
    ):
        return Unavailable("The vector store does not answer.", _STAGE, 1.0)
    if isinstance(error, ValueError | TypeError):
        return _not_understood()
    return StageFailed("The vector store failed.", _STAGE)


def _not_understood() -> InvalidRequest:
    return InvalidRequest("The store does not understand the filter.", _STAGE)
