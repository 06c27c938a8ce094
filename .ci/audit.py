"""Asks for advisories about what the lock files name. Exceptions stand in a file, and expire.

python .ci/audit.py .ci/audit_exceptions.txt requirements.lock ...

Exit status: 0 nothing is known, 1 something is, or an exception is of no use any more, 3 nobody
could be asked.
"""

import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

_UNREACHABLE = ("ConnectionError", "Max retries", "Name or service", "ServiceError", "timed out")
NOBODY_ANSWERED = 3


class BadException(Exception):
    """A line of the file of exceptions that is out of date, or says too little."""


@dataclass(frozen=True)
class Exemption:
    """An advisory that is known and borne until a day."""

    advisory: str
    until: date
    reason: str


def parse_exemptions(lines: Iterable[str], today: date) -> list[Exemption]:
    """Returns the exceptions: `ID until 2027-01-31: why`, one on each line.

    Raises:
        BadException: names a line that has expired, or is none.
    """
    found = []
    for line in lines:
        said = line.split("#", 1)[0].strip()
        if not said:
            continue
        head, _, reason = said.partition(": ")
        advisory, _, day = head.partition(" until ")
        try:
            until = date.fromisoformat(day)
        except ValueError:
            raise BadException(f"'{said}' is not 'ID until YYYY-MM-DD: why'") from None
        if not reason:
            raise BadException(f"'{said}' says no reason")
        if until < today:
            raise BadException(f"{advisory} was excepted until {until}: mend it, or decide again")
        found.append(Exemption(advisory, until, reason))
    return found


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status."""
    file, *locks = arguments
    with open(file, encoding="utf-8") as lines:
        try:
            exemptions = parse_exemptions(lines, datetime.now(UTC).date())
        except BadException as error:
            sys.stderr.write(f"{file}: {error}\n")
            return 1
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--no-deps",
        "--disable-pip",
        "--progress-spinner",
    ]
    command += ["off", "--timeout", "30"]
    command += [part for lock in locks for part in ("--requirement", lock)]
    command += [part for one in exemptions for part in ("--ignore-vuln", one.advisory)]
    ended = subprocess.run(command, capture_output=True, text=True)
    sys.stdout.write(ended.stdout)
    sys.stderr.write(ended.stderr[-2000:])
    if ended.returncode != 0 and any(word in ended.stderr for word in _UNREACHABLE):
        sys.stderr.write(
            "\nThe service of advisories cannot be reached from here: nothing is known.\n"
        )
        return NOBODY_ANSWERED
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
