"""Holds the image to requirements.lock: which packages an image wants, and whether each is locked.

    python3 locked.py EXTRAS             prints what the package requires with these extras
    python3 locked.py --bounds           prints the versions of the lock, which bound what pip finds
    python3 locked.py --hashed REPORT    prints the entries of the lock for what pip has found
    python3 locked.py --verify EXTRAS    fails where something is installed that is not locked

EXTRAS are names with commas between. vLLM brings packages that the lock does not name: with it, the
lock bounds those that it names, which pip has seen to, and nothing is verified.

It runs before anything is installed, so it needs nothing but Python.
"""

import importlib.metadata
import json
import re
import sys
import tomllib
from pathlib import Path

_PASSED_OVER = {"pip", "setuptools", "wheel"}
"""What installs."""


def requirements(extras: str) -> list[str]:
    """Returns what `pyproject.toml` asks for, with the extras that are named, by commas."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    return [
        *project["dependencies"],
        *(line for extra in extras.split(",") for line in optional[extra]),
    ]


def entries() -> dict[str, tuple[str, list[str]]]:
    """Returns the version and the hashes of each package of `requirements.lock`."""
    lock = Path("requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9._-]+)==([^\s;]+)((?:.*\\\n)*.*)", lock, re.MULTILINE)
    return {name: (version, re.findall(r"--hash=\S+", rest)) for name, version, rest in pins}


def bounds() -> list[str]:
    """Returns the versions of the lock."""
    return [f"{name}=={version}" for name, (version, _) in entries().items()]


def hashed(report: Path) -> list[str]:
    """Returns what pip has found, each held to the hashes of the lock; what the lock does not name
    has none, and pip refuses it."""
    locked = entries()
    found = json.loads(report.read_text(encoding="utf-8"))["install"]
    lines = []
    for package in found:
        name, version = _normal(package["metadata"]["name"]), package["metadata"]["version"]
        _, hashes = locked.get(name, ("", []))
        if name not in _PASSED_OVER:
            lines.append(" ".join([f"{name}=={version}", *hashes]))
    return lines


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def unlocked() -> list[str]:
    """Returns what is installed and not in `requirements.lock`, or there in another version."""
    locked = {name: version for name, (version, _) in entries().items()}
    found = {
        _normal(package.name): package.version.partition("+")[0]
        for package in importlib.metadata.distributions()
    }
    return [
        f"{name}=={version}"
        for name, version in sorted(found.items())
        if name not in _PASSED_OVER and locked.get(name) != version
    ]


def main(arguments: list[str]) -> int:
    """Does what the arguments say, and returns the exit code."""
    *_, last = arguments
    if "--verify" in arguments:
        strangers = [] if "vllm" in last else unlocked()
        for stranger in strangers:
            sys.stderr.write(f"not in requirements.lock: {stranger}\n")
        return 1 if strangers else 0
    if "--bounds" in arguments:
        lines = bounds()
    elif "--hashed" in arguments:
        lines = hashed(Path(last))
    else:
        lines = requirements(last)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
