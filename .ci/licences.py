"""Checks an SBOM: every component that users install has a licence that stands on the list.

python .ci/licences.py sbom.json .ci/allowed_licences.txt
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_WORDS = re.compile(r"[()]|\s+(?:AND|OR|WITH)\s+", re.IGNORECASE)
_ALTERNATIVES = re.compile(r"\s+OR\s+", re.IGNORECASE)


def licences_of(component: Mapping[str, Any]) -> set[str]:
    """Returns what a component says about its licence: identifiers, expressions or names."""
    found = set()
    for entry in component.get("licenses", ()):
        licence = entry.get("license", {})
        said = entry.get("expression") or licence.get("id") or licence.get("name")
        # Some packages put the whole text there: its first line names it.
        if said:
            found.add(said.strip().splitlines()[0].strip())
    return found


def allowed_pattern(text: str) -> tuple[set[str], dict[str, str]]:
    """Returns the licences that the list allows, and packages with a word of their own on it.

    A line is a licence, or `package = reason` for a package that is looked at by hand.
    """
    lines = [line.split("#", 1)[0].strip() for line in text.splitlines()]
    pairs = [line.partition(" = ") for line in lines if line]
    licences = {name.lower() for name, equals, _ in pairs if not equals}
    return licences, {name.lower(): reason for name, equals, reason in pairs if equals}


def is_allowed(said: str, licences: set[str]) -> bool:
    """Says whether a licence, or one of its alternatives with all its parts, is on the list.

    >>> is_allowed("MIT OR GPL-3.0-only", {"mit"}), is_allowed("MIT AND GPL-3.0-only", {"mit"})
    (True, False)
    """
    if said.lower() in licences:
        return True
    return any(
        all(part.strip().lower() in licences for part in _WORDS.split(way) if part.strip())
        for way in _ALTERNATIVES.split(said)
    )


def problems(sbom: Mapping[str, Any], allowed: str) -> Iterator[str]:
    """Yields each component whose licence is missing or not on the list."""
    licences, by_hand = allowed_pattern(allowed)
    for component in sbom["components"]:
        name = component["name"].lower()
        # CUDA's runtime is not open source: nobody gets it who installs torch without it.
        if name in by_hand or name.startswith(("nvidia-", "cuda-")):
            continue
        said = licences_of(component)
        if not said:
            yield f"{name} {component.get('version')}: says no licence"
        elif not all(is_allowed(one, licences) for one in said):
            yield f"{name} {component.get('version')}: {', '.join(sorted(said))}"


def main(sbom_file: Path, allowed_file: Path) -> int:
    """Prints the licences with their numbers, and what is not allowed; returns the exit status."""
    sbom = json.loads(sbom_file.read_text(encoding="utf-8"))
    counts: dict[str, int] = {}
    for component in sbom["components"]:
        for said in licences_of(component) or {"(none)"}:
            counts[said] = counts.get(said, 0) + 1
    for said, number in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        sys.stdout.write(f"{number:4} {said[:90]}\n")
    found = list(problems(sbom, allowed_file.read_text(encoding="utf-8")))
    for line in found:
        sys.stderr.write(f"not on {allowed_file}: {line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
