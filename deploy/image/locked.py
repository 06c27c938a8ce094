"""Holds the image to requirements.lock: which packages an image wants, and whether each is locked.

    python3 locked.py EXTRAS            prints what the package requires with these extras
    python3 locked.py --verify EXTRAS   fails where something is installed that is not locked

EXTRAS are names with commas between. vLLM brings packages that the lock does not name: with it, the
lock bounds those that it names, which pip has seen to, and nothing is verified.

It runs before anything is installed, so it needs nothing but Python.
"""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

_PASSED_OVER = {"pip", "setuptools", "wheel", "async-timeout"}
"""What installs, and what redis wants of Pythons before 3.11.3, such as that of Debian 12."""


def requirements(extras: str) -> list[str]:
    """Returns what `pyproject.toml` asks for, with the extras that are named, by commas."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    return [
        *project["dependencies"],
        *(line for extra in extras.split(",") for line in optional[extra]),
    ]


def unlocked() -> list[str]:
    """Returns what is installed and not in `requirements.lock`, or there in another version."""
    lock = Path("requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", lock, re.MULTILINE))
    found = {
        re.sub(r"[-_.]+", "-", package.name).lower(): package.version.partition("+")[0]
        for package in importlib.metadata.distributions()
    }
    return [
        f"{name}=={version}"
        for name, version in sorted(found.items())
        if name not in _PASSED_OVER and locked.get(name) != version
    ]


def main(arguments: list[str]) -> int:
    """Does what the arguments say, and returns the exit code."""
    *verify, extras = arguments
    if not verify:
        sys.stdout.write("\n".join(requirements(extras)) + "\n")
        return 0
    strangers = [] if "vllm" in extras else unlocked()
    for stranger in strangers:
        sys.stderr.write(f"not in requirements.lock: {stranger}\n")
    return 1 if strangers else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
