"""The memory of the stack between two commands: what was started, where, and from which config.

Process ids are kept with the process's creation time, because a number alone may by now belong to
somebody else.
"""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from app.client.errors import CliError


@dataclass(frozen=True)
class ChildRecord:
    """A server that was started."""

    name: str
    pid: int
    created_s: float
    """When the process began, in seconds after the start of the machine; see `created_after_s`."""
    log_file: str


@dataclass(frozen=True)
class StackState:
    """One run of the stack."""

    instance: str
    started_s: float
    temp_dir: str
    api_url: str
    api_port: int
    dashboard_url: str
    children: tuple[ChildRecord, ...] = ()
    urls: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int | None] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    config_file: str = ""
    config_fingerprint: str = ""
    """Of the config that was deployed last, empty until one was."""

    @property
    def ray_dir(self) -> Path:
        """Ray's folder for sessions and sockets, inside ours: Ray opens its own to all users."""
        return Path(self.temp_dir) / "ray"

    def with_child(self, child: ChildRecord) -> "StackState":
        return replace(self, children=(*self.children, child))


def read_state(path: Path) -> StackState | None:
    """Returns the recorded run, None where there is none.

    Raises:
        CliError: The file is not one of ours, or of another version.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _from_json(data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CliError(
            f"{path} cannot be read: {type(error).__name__}",
            "If nothing of this stack runs any more, delete the file.",
        ) from None


def write_state(path: Path, state: StackState) -> None:
    """Replaces the file as a whole: a reader, or a crash, sees the old one or the new one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    draft.write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def _from_json(data: dict[str, Any]) -> StackState:
    children = tuple(ChildRecord(**child) for child in data["children"])
    return StackState(**{**data, "children": children})
