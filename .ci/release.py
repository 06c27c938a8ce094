"""Checks that a version may be released, and tags it. It runs no tests: CI did, on the same commit.

python .ci/release.py 1.2.3
"""

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

_VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")
_SECTION = re.compile(r"^## \[(?P<name>[^\]]+)\](?P<rest>.*)$", re.MULTILINE)


class NotReleasable(Exception):
    """What stands in the way, in words for whoever releases."""


def check_version(pyproject: str, version: str) -> None:
    """Raises NotReleasable where `pyproject.toml` is of another version."""
    if not _VERSION.fullmatch(version):
        raise NotReleasable(f"'{version}' is no version: say VERSION=1.2.3")
    stated = tomllib.loads(pyproject)["project"]["version"]
    if stated != version:
        raise NotReleasable(f"pyproject.toml says {stated}, not {version}")


def check_changelog(changelog: str, version: str) -> None:
    """Raises NotReleasable unless the changelog has an empty section Unreleased, and below it one
    of the version, with a date and with something in it."""
    sections = _sections(changelog)
    if next(iter(sections), None) != "Unreleased":
        raise NotReleasable("CHANGELOG.md must begin with '## [Unreleased]'")
    if sections["Unreleased"][1]:
        raise NotReleasable(f"move what stands under Unreleased below '## [{version}] - <date>'")
    if list(sections)[1:2] != [version]:
        raise NotReleasable(f"CHANGELOG.md has no '## [{version}] - <date>' below Unreleased")
    day, content = sections[version]
    try:
        date.fromisoformat(day.removeprefix(" - "))
    except ValueError:
        raise NotReleasable(f"the section of {version} needs a date: 2026-01-31") from None
    if not content:
        raise NotReleasable(f"the section of {version} is empty")


def check_texts(pyproject: str, changelog: str, version: str) -> None:
    """Raises NotReleasable where one of the two is not about this version."""
    check_version(pyproject, version)
    check_changelog(changelog, version)


def check_tree(status: str, tags: Sequence[str], version: str) -> None:
    """Raises NotReleasable where something is not committed, or the version was tagged before.

    Args:
        status: What `git status --porcelain` says.
        tags: All tags.
        version: The version.
    """
    if status.strip():
        raise NotReleasable(f"not everything is committed:\n{status.rstrip()}")
    if tag_of(version) in tags:
        raise NotReleasable(f"{tag_of(version)} exists already")


def tag_of(version: str) -> str:
    """Returns the name of a version's tag."""
    return f"v{version}"


def _sections(changelog: str) -> dict[str, tuple[str, str]]:
    """Returns what follows each heading of a version on its line, and below it."""
    headings = list(_SECTION.finditer(changelog))
    ends = [heading.start() for heading in headings[1:]] + [len(changelog)]
    return {
        heading["name"]: (heading["rest"], changelog[heading.end() : end].strip())
        for heading, end in zip(headings, ends, strict=True)
    }


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout


def release(root: Path, version: str) -> str:
    """Returns the tag that was made of the commit that is checked out.

    Raises:
        NotReleasable: nothing was tagged.
    """
    pyproject, changelog = (
        (root / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "CHANGELOG.md")
    )
    check_texts(pyproject, changelog, version)
    tags = _git(root, "tag", "--list").split()
    check_tree(_git(root, "status", "--porcelain"), tags, version)
    tag = tag_of(version)
    _git(root, "tag", "--annotate", tag, "--message", f"Release {version}")
    return tag


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the status to exit with."""
    parser = argparse.ArgumentParser(
        description="Check that a version may be released, and tag it."
    )
    parser.add_argument("version")
    options = parser.parse_args(arguments)
    try:
        tag = release(Path(__file__).resolve().parents[1], options.version)
    except NotReleasable as error:
        sys.stderr.write(f"Not released: {error}\n")
        return 1
    sys.stdout.write(f"Tagged {tag}. Publish it: git push origin {tag}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
