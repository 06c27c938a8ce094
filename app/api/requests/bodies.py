"""Bodies in forms that many clients write: fields that nothing here knows are named, or refused."""

from typing import Annotated, Any, Union

from fastapi import Depends, Header, Request

from app.api.requests.dependencies import args_of, scope_of
from app.request.scope import RequestScope
from app.schemas.sampling import CacheOptions
from app.schemas.wire import TolerantModel, unknown_fields
from deployments.contracts.field_errors import MAX_FIELDS, unknown_field, unsupported_fields

Strict = Annotated[
    bool | None,
    Header(description="1 refuses a request with a field that nothing here knows."),
]


def note_cache_options(body: object, scope: RequestScope) -> None:
    """Notes what a body wants of the response cache."""
    options = getattr(body, "cache", None)
    if not isinstance(options, CacheOptions):
        return
    if not options.use:
        scope.notes.cache_wish = "bypass"
    scope.notes.cache_min_similarity = options.min_similarity or 0.0


def tolerant(*models: type[TolerantModel]) -> Any:
    """Returns the dependency that reads a body of this form, or of one of these.

    Unknown fields are noted with the request, for the header `X-Ragserve-Ignored`. Where the
    gateway's settings or the request say `strict`, they are an error each.
    """
    form: Any = Union.__getitem__(models)

    async def read(
        body: form,
        request: Request,
        x_ragserve_strict: Strict = None,
    ) -> Any:
        unknown = unknown_fields(body)
        is_strict = args_of(request).strict if x_ragserve_strict is None else x_ragserve_strict
        if unknown and is_strict:
            raise unsupported_fields([unknown_field(path) for path in unknown[:MAX_FIELDS]])
        scope = scope_of(request)
        scope.notes.ignored = (*scope.notes.ignored, *unknown)
        note_cache_options(body, scope)
        return body

    read.is_tolerant = True  # type: ignore[attr-defined]  # what the API's description goes by
    return Depends(read)
