"""Where the local stack keeps its files: one folder, so that deleting it forgets everything."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The names of the files under the stack's folder (`.ragserve` unless told otherwise)."""

    root: Path

    @property
    def state_file(self) -> Path:
        """What runs: process ids, ports and URLs."""
        return self.root / "state.json"

    @property
    def logs(self) -> Path:
        """One log file per child, and Ray's own logs of the last run after it was stopped."""
        return self.root / "logs"

    @property
    def chroma_data(self) -> Path:
        return self.root / "chroma"

    @property
    def index(self) -> Path:
        """What retrievers make of Chroma's content to search it: made again where it is missing."""
        return self.root / "index"

    @property
    def mlflow_database(self) -> Path:
        return self.root / "mlflow.db"

    @property
    def mlflow_artifacts(self) -> Path:
        return self.root / "mlartifacts"

    @property
    def ray_token(self) -> Path:
        """The secret that Ray asks of whoever wants to deploy; readable by its owner only."""
        return self.root / "ray_token"

    @property
    def admin_key(self) -> Path:
        """Opens the service's routes for operators; readable by its owner only."""
        return self.root / "admin_key"

    @property
    def content_salt(self) -> Path:
        """Key of the digests that traces have in place of texts; readable by its owner only."""
        return self.root / "content_salt"

    @property
    def key_pepper(self) -> Path:
        """Key of the digests by which API keys are known; readable by its owner only."""
        return self.root / "key_pepper"

    @property
    def control_database(self) -> Path:
        """Rollouts and their evidence."""
        return self.root / "control.db"

    @property
    def limits_database(self) -> Path:
        """The file in which rates are counted."""
        return self.root / "limits.db"

    @property
    def ray_exports(self) -> Path:
        """A shell file: after `source`, Ray's own commands (`serve deploy`) find this stack."""
        return self.root / "ray.env"

    @property
    def deployed_config(self) -> Path:
        """The Serve config as it was sent, defaults and command-line overrides filled in."""
        return self.root / "deployed.yaml"

    def log_of(self, child: str) -> Path:
        return self.logs / f"{child}.log"

    def create(self) -> None:
        """Makes the folders, closed to other users and invisible to git."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)  # one that was there already, too
        self.logs.mkdir(exist_ok=True)
        (self.root / ".gitignore").write_text("*\n")


def kept_token(path: Path) -> str:
    """Returns the token in `path`, and writes a new one where there is none: what people have noted
    down stays good over a restart."""
    if path.is_file() and (token := path.read_text().strip()):
        return token
    return new_token(path)


def new_token(path: Path) -> str:
    """Writes a fresh 256-bit token to `path` with mode 0600 and returns it.

    A new one for every start: a token that leaked with an old terminal or backup opens nothing.
    """
    token = secrets.token_hex(32)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token)
    return token
