"""`/console`: asking, rollouts, documents and the state of the service in a browser, from files of
this installation alone and under a strict policy for content.

Anybody may read the files, which know nothing: what they show is asked for through the API, with
the key of the person.
"""

import mimetypes
from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse, Response

from app.access.route_scopes import PUBLIC
from app.api.requests.dependencies import ArgsIn
from deployments.contracts.errors import NotFound

router = APIRouter(include_in_schema=False, dependencies=[PUBLIC])

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": _POLICY}
_PAGE = "index.html"
# What a system says of a name differs from one to the next.
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@cache
def console_files() -> dict[str, Path]:
    """Returns the files by the path under `/console/`. Nothing that a request names is ever looked
    for on the disk."""
    root = Path(str(files("app.console") / "static"))
    return {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}


@router.get("/console")
async def console(request: Request, args: ArgsIn) -> Response:
    """Returns the page.

    Raises:
        NotFound: it is turned off.
    """
    page = _path(_PAGE, args.console).read_text(encoding="utf-8")
    root = request.scope.get("root_path", "")
    return HTMLResponse(page.replace("{root}", root), headers=_HEADERS)


@router.get("/console/{path:path}")
async def console_file(path: str, args: ArgsIn) -> Response:
    """Returns a file of the page.

    Raises:
        NotFound: the page has no such file, or is turned off.
    """
    found = _path(path if path != _PAGE else "", args.console)
    kind = _TYPES.get(found.suffix) or mimetypes.guess_type(path)[0] or "text/plain"
    return FileResponse(found, media_type=kind, headers=_HEADERS)


def _path(name: str, is_on: bool) -> Path:
    path = console_files().get(name) if is_on else None
    if path is None:
        raise NotFound("There is nothing at this path; see /docs for what there is.")
    return path
