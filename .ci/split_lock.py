"""Divides what uv resolved into lock files, and adds the hash of the torch that pip takes here.

python .ci/split_lock.py resolved.txt

On PyPI, torch for Linux wants CUDA, which is gigabytes; the same version without it comes from
another index or folder as `torch==x+cpu`, and satisfies the same pin. One line of the lock holds
the hashes of both, what only CUDA's wants has a file of its own, and so has the one without CUDA:
among files that the lock allows, pip prefers one whose index says its hash, which PyPI does.
"""

import hashlib
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterable
from pathlib import Path

_PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)
_CUDA = re.compile(r"nvidia-|cuda-|triton$")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")
_TORCH = "torch"
_HEADER = "# Written by `make lock`: every file that pip may take is held to a hash.\n"


def entries(lock: str) -> list[str]:
    """Returns the entries of a lock file: each pin with its hashes."""
    starts = [pin.start() for pin in _PIN.finditer(lock)]
    ends = [*starts[1:], len(lock)]
    return [lock[start:end].rstrip() for start, end in zip(starts, ends, strict=True)]


def pin_of(entry: str) -> tuple[str, str]:
    """Returns the name and the version of an entry."""
    found = _PIN.match(entry)
    assert found is not None
    return found["name"], found["version"]


def split(resolved: str) -> tuple[list[str], list[str]]:
    """Returns the entries that everybody needs, and those of CUDA."""
    both = entries(resolved)
    cuda = [entry for entry in both if _CUDA.match(pin_of(entry)[0])]
    return [entry for entry in both if entry not in cuda], cuda


def with_hashes(entry: str, more: Iterable[str]) -> str:
    """Returns an entry that allows further files."""
    head = entry.split("--hash=", 1)[0].rstrip(" \\\n")
    hashes = sorted({*_HASH.findall(entry), *more})
    return " \\\n".join([head, *(f"    --hash={digest}" for digest in hashes)])


def kept_hashes(old_lock: str, entry: str) -> set[str]:
    """Returns the hashes of an entry in the lock before, where that has the same version: those of
    an index that cannot be asked from here."""
    for old in entries(old_lock):
        if pin_of(old) == pin_of(entry):
            return set(_HASH.findall(old))
    return set()


def hash_here(requirement: str) -> str:
    """Returns the hash of the file that pip takes for a requirement on this machine."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--dry-run", "--no-deps", "--ignore-installed", "--report", "-", requirement]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    download = json.loads(printed)["install"][0]["download_info"]
    known = download.get("archive_info", {}).get("hashes", {}).get("sha256")
    if known is None:
        url = download["url"]
        with urllib.request.urlopen(url) as file:  # of file: URLs, too
            digest = hashlib.sha256()
            while block := file.read(2**20):
                digest.update(block)
        known = digest.hexdigest()
    return f"sha256:{known}"


def main(resolved: Path, root: Path) -> None:
    """Writes the lock files of the installation."""
    lock = root / "requirements.lock"
    cpu_lock = root / "requirements.torch-cpu.lock"
    everybody, cuda = split(resolved.read_text())
    at = next(at for at, entry in enumerate(everybody) if pin_of(entry)[0] == _TORCH)
    old = lock.read_text() if lock.exists() else ""
    torch = everybody[at]
    more = {hash_here("==".join(pin_of(torch))), *kept_hashes(old, torch)}
    without_cuda = sorted(more - set(_HASH.findall(torch)))
    everybody[at] = with_hashes(torch, more)
    if without_cuda:
        pin = with_hashes("==".join(pin_of(torch)) + "+cpu", without_cuda)
        cpu_lock.write_text(_HEADER + pin + "\n")
    else:
        cpu_lock.unlink(missing_ok=True)  # of another version, and no index here has this one
    lock.write_text(_HEADER + "\n".join(everybody) + "\n")
    (root / "requirements.cuda.lock").write_text(_HEADER + "\n".join(cuda) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).resolve().parents[1])
