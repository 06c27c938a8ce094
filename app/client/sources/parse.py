"""From what somebody writes on a command line to the place that it names."""

import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

from app.client.errors import CliError
from app.client.sources.git import GitSource, without_credentials
from app.client.sources.objects import SCHEMES, ObjectSource
from app.client.sources.source import FolderSource, Source

_GIT = "git+"
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME_CHARS = 80


def source_of(text: str, *, root: Path | None, into: Path) -> Source:
    """Returns the place that a text names: `git+URL`, with `@BRANCH` at the end and `#FOLDER`
    after it where they are wanted; an address of an object store; else a folder.

    Args:
        text: What somebody wrote.
        root: What paths of a folder's documents are relative to.
        into: Where other places are kept on this machine.

    Raises:
        CliError: it names nothing.
    """
    if text.startswith(_GIT):
        return _git(text.removeprefix(_GIT), into)
    scheme = urlsplit(text).scheme
    if scheme in SCHEMES:
        return ObjectSource(text, into / _folder_name(text))
    if "://" in text:
        raise CliError(
            f"{text} is no place that documents are taken from",
            "A folder, git+https://..., git+ssh://..., or "
            + ", ".join(f"{one}://..." for one in SCHEMES),
        )
    return FolderSource(Path(text), root)


def _git(address: str, into: Path) -> GitSource:
    url, _, below = address.partition("#")
    branch = ""
    # An @ before the path is a user's.
    path_begins = url.rfind("/")
    if "@" in url[path_begins:]:
        url, _, branch = url.rpartition("@")
    if not url or url.startswith("-") or branch.startswith("-"):
        raise CliError(f"git+{address} names no repository")
    if ".." in below.split("/"):
        raise CliError(f"{below} leads out of the repository")
    return GitSource(url, branch, below.strip("/"), into / _folder_name(url.removesuffix(".git")))


def _folder_name(address: str) -> str:
    """Returns the name of the folder of a place, with which the paths of its documents begin: its
    own last part, and a few letters that tell it from others that end so."""
    address = without_credentials(address)
    last = _UNFIT.sub("-", address.rstrip("/").rpartition("/")[2])[:_MAX_NAME_CHARS].strip("-.")
    return f"{last or 'place'}-{hashlib.sha256(address.encode()).hexdigest()[:6]}"
