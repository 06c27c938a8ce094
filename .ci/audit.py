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
_SKIPPED = "could not be audited"
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
    return judge(ended.returncode, ended.stdout, ended.stderr)


def judge(status: int, printed: str, said: str) -> int:
    """Returns the exit status for what pip-audit printed, and passes that on.

    What it could not look up it skips, and still says that nothing is known: that is no answer.
    """
    sys.stdout.write(printed)
    sys.stderr.write(said[-2000:])
    failed = status != 0 and any(word in said for word in _UNREACHABLE)
    skipped = printed.count(_SKIPPED)
    if failed or (status == 0 and skipped):
        sys.stderr.write(
            f"\nThe service of advisories did not answer for {skipped or 'any'} of the packages: "
            "nothing is known of these.\n"
        )
        return NOBODY_ANSWERED
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
