"""`/docs`: the API's description for people, from files of this installation alone, so that it
opens without the internet and under a strict policy for content; and `/`, which leads there."""

from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from app.access.route_scopes import PUBLIC
from deployments.contracts.errors import NotFound

router = APIRouter(include_in_schema=False, dependencies=[PUBLIC])
_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")

# Swagger UI sets styles in its elements; scripts are those of this service.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ragserve: HTTP API</title>
<link rel="stylesheet" href="{root}/docs/swagger-ui.css">
<link rel="icon" href="{root}/docs/favicon.png">
</head>
<body>
<div id="swagger-ui" data-document="{root}/openapi.json"></div>
<script src="{root}/docs/swagger-ui-bundle.js"></script>
<script src="{root}/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: document.getElementById("swagger-ui").dataset.document,
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"""


@router.get("/")
async def root(request: Request) -> Response:
    """Leads to the description."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Returns the page."""
    page = _PAGE.format(root=request.scope.get("root_path", ""))
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/start.js")
async def docs_start() -> Response:
    """Returns the script that opens the description: one in the page would need a laxer policy."""
    return Response(_START, media_type="text/javascript")


@router.get("/docs/{name}")
async def docs_file(name: str) -> Response:
    """Returns a file of Swagger UI.

    Raises:
        NotFound: the page needs no such file.
    """
    if name not in _FILES:
        raise NotFound("There is nothing at this path; see /docs for what there is.")
    return FileResponse(str(files("fastapi_offline") / "static" / name))
