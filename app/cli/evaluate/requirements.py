"""What an evaluation has to reach, for a check that nobody looks at."""

from collections.abc import Iterator, Mapping, Sequence

from app.cli.evaluate.summary import Summary
from app.client.errors import CliError

_SHARES = ("right", "hit", "first_hit", "answered", "refused")


def read_requirements(given: Sequence[str]) -> dict[str, float]:
    """Returns the least share by name, of texts such as `right=0.8`.

    Raises:
        CliError: one of them is none.
    """
    required = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            share = float(value)
        except ValueError:
            share = -1.0
        if name not in _SHARES or not 0 <= share <= 1:
            raise CliError(
                f"--require {text}: it takes the form NAME=SHARE, with a share from 0 to 1.",
                f"Names are {', '.join(_SHARES)}.",
            )
        required[name] = share
    return required


def unmet(summaries: Sequence[Summary], required: Mapping[str, float]) -> list[str]:
    """Returns a line for each release and share that is not reached; one of which nothing is known
    is not."""
    return list(_unmet(summaries, required))


def _unmet(summaries: Sequence[Summary], required: Mapping[str, float]) -> Iterator[str]:
    for summary in summaries:
        shares = summary.shares()
        for name, least in required.items():
            value = shares[name].value if name in shares else None
            if value is None:
                yield f"{summary.release}: {name} is not known: no question says what is right"
            elif value < least:
                yield f"{summary.release}: {name} is {value:.3f}, below {least:g}"
