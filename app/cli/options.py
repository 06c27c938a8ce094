"""Options that several verbs share, so that one name means one thing."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_HOME = Path(".ragserve")

HomeOption = Annotated[
    Path,
    typer.Option(
        "--home", help="Folder of the local stack: data, logs and what runs.", metavar="DIR"
    ),
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", help="Give up after this many seconds.", min=1.0, metavar="S")
]
ReasonOption = Annotated[
    str, typer.Option("--reason", "-r", help="Why, for the record.", metavar="TEXT")
]
UrlOption = Annotated[
    str, typer.Option("--url", help="Address of the service.", envvar="RAGSERVE_URL", metavar="URL")
]
MetadataOption = Annotated[
    list[str] | None,
    typer.Option("--metadata", "-m", help="Key-value for every document.", metavar="KEY=VALUE"),
]
AclOption = Annotated[
    list[str] | None,
    typer.Option(
        "--acl",
        help="Let this group read every document, and whoever has none of them not; again for "
        "more. Without it documents keep what they had.",
        metavar="GROUP",
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="Dashboard of another Ray cluster, such as http://head:8265; the local stack if none.",
        metavar="URL",
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help="Holds the token of that cluster; as RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH say if "
        "none.",
        metavar="FILE",
    ),
]
