"""Writes what the clients passed into docs/clients.md: `python -m tests.clients.matrix`.

Reads the notes that `make test-clients` and `make test-clients-js` leave in `results/`.
"""

import json
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs/clients.md"
_BEGIN, _END = "<!-- clients: begin -->\n", "<!-- clients: end -->"


def main() -> None:
    """Replaces the table between its marks."""
    noted = [
        entry
        for path in sorted((Path(__file__).parent / "results").glob("*.json"))
        for entry in json.loads(path.read_text(encoding="utf-8"))
    ]
    rows: dict[tuple[str, str, str], set[str]] = {}
    for entry in noted:
        key = (entry["package"], entry["version"], entry["what"])
        rows.setdefault(key, set()).add(entry["outcome"])
    lines = ["| client | version | what was tried | result |", "|---|---|---|---|"]
    for (package, version, what), outcomes in sorted(rows.items()):
        lines.append(f"| {package} | {version} | {what} | {', '.join(sorted(outcomes))} |")
    text = _PAGE.read_text(encoding="utf-8")
    head, rest = text.split(_BEGIN)
    _, tail = rest.split(_END)
    _PAGE.write_text(head + _BEGIN + "\n".join(lines) + "\n" + _END + tail, encoding="utf-8")


if __name__ == "__main__":
    main()
