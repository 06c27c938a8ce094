"""A Git repository: the newest commit of one branch, without its history."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from app.client.sources.source import SourceFailed

_TIMEOUT_S = 600.0
_LONGEST_REASON_CHARS = 300
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",  # a password that is missing is an error, and no question
    "LC_ALL": "C",
}
_SAFE = ("-c", "protocol.ext.allow=never", "-c", "core.hooksPath=/dev/null")
"""No address runs a program, and nothing that is in a repository does."""
_CREDENTIALS = re.compile(r"//[^/@\s]*@")


@dataclass(slots=True)
class GitSource:
    """A repository.

    Args:
        url: Where it is, as `git clone` takes it.
        branch: Branch or tag; empty for the repository's own.
        below: The folder in it that has the documents; empty for all of it.
        into: Where it is kept on this machine; paths are relative to the folder above.
    """

    url: str
    branch: str
    below: str
    into: Path
    name: str = field(init=False)
    folder: Path = field(init=False)
    root: Path | None = field(init=False)
    _seen: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.name = without_credentials(self.url)
        self.folder = self.into / self.below if self.below else self.into
        self.root = self.into.parent

    def refresh(self) -> bool:
        """See `Source.refresh`. A change is another commit."""
        if not (self.into / ".git").is_dir():
            self.into.mkdir(parents=True, exist_ok=True)
            self._git("init", "--quiet")
        self._git(
            "fetch", "--quiet", "--depth", "1", "--no-tags", "--", self.url, self.branch or "HEAD"
        )
        self._git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD")
        self._git("clean", "-ffdxq")
        former, self._seen = self._seen, self._git("rev-parse", "HEAD")
        if not self.folder.is_dir():
            raise SourceFailed(f"The repository has no folder '{self.below}'.")
        return former != self._seen

    def _git(self, *command: str) -> str:
        """Runs git, and returns what it printed.

        Raises:
            SourceFailed: it failed, is not there, or took too long.
        """
        try:
            done = subprocess.run(
                ["git", "-C", str(self.into), *_SAFE, *command],
                env=os.environ | _QUIET,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT_S,
                check=False,
            )
        except FileNotFoundError as error:
            raise SourceFailed("There is no git on this machine.") from error
        except subprocess.TimeoutExpired as error:
            raise SourceFailed(f"git {command[0]} took over {_TIMEOUT_S:.0f} s.") from error
        if done.returncode:
            reason = without_credentials(done.stderr.strip()) or f"git {command[0]} failed"
            raise SourceFailed(reason[-_LONGEST_REASON_CHARS:])
        return done.stdout.strip()


def without_credentials(text: str) -> str:
    """Returns a text whose addresses name no user and no password.

    >>> without_credentials("https://me:secret@example.org/docs.git")
    'https://example.org/docs.git'
    """
    return _CREDENTIALS.sub("//", text)
