"""When requests arrive: at random, or as they once did.

An open loop sends at these times whatever the answers do, as independent users would.
"""

import csv
import gzip
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np


class TraceRequest(NamedTuple):
    """One recorded request."""

    arrival_s: float
    input_tokens: int
    output_tokens: int


def poisson(rate_per_s: float, *, duration_s: float, seed: int) -> list[float]:
    """Returns the arrival times in [0, duration_s) of a Poisson process, ascending, in seconds.

    The number of arrivals is random too: its mean is rate_per_s x duration_s.
    """
    if rate_per_s <= 0 or duration_s <= 0:
        raise ValueError("the rate and the duration of arrivals must be above zero")
    random = np.random.default_rng(seed)
    # Given their number, the arrivals of a Poisson process are independent and uniform.
    # Source: Ross, Introduction to Probability Models, 12th ed., section 5.3.5.
    count = random.poisson(rate_per_s * duration_s)
    times: list[float] = np.sort(random.uniform(0.0, duration_s, count)).tolist()
    return times


def read_trace(path: Path) -> list[TraceRequest]:
    """Returns the requests of a CSV with the columns arrival_s, input_tokens and output_tokens,
    in order of arrival. A name that ends in `.gz` is decompressed.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the columns are others, or there is no row.
    """
    with _open_text(path) as file:
        rows = csv.DictReader(file)
        missing = set(TraceRequest._fields) - set(rows.fieldnames or ())
        if missing:
            raise ValueError(f"{path} has no column {', '.join(sorted(missing))}")
        requests = [
            TraceRequest(
                float(row["arrival_s"]), int(row["input_tokens"]), int(row["output_tokens"])
            )
            for row in rows
        ]
    if not requests:
        raise ValueError(f"{path} has no request")
    return sorted(requests)


def from_trace(path: Path, *, rate_per_s: float, duration_s: float, skip: int = 0) -> list[float]:
    """Returns rate_per_s x duration_s arrival times in [0, duration_s), ascending, in seconds.

    They are that many requests in a row of the trace, with the time scaled so that they fill the
    duration: bursts and silences keep their proportions, not their length. A trace that is too
    short starts over.

    Args:
        path: A file for `read_trace`.
        rate_per_s: Mean rate over the whole duration.
        duration_s: Length of the schedule.
        skip: Requests of the trace to leave out at its start, so that runs can differ.
    """
    recorded_s = np.array([request.arrival_s for request in read_trace(path)])
    if rate_per_s <= 0 or duration_s <= 0:
        raise ValueError("the rate and the duration of arrivals must be above zero")
    count = max(1, round(rate_per_s * duration_s))
    # The pause before the trace starts over is its mean gap.
    period_s = (recorded_s[-1] - recorded_s[0]) * len(recorded_s) / max(len(recorded_s) - 1, 1)
    index = skip + np.arange(count + 1)
    laps, place = np.divmod(index, len(recorded_s))
    used_s = recorded_s[place] - recorded_s[0] + laps * period_s
    used_s -= used_s[0]
    if used_s[-1] == 0:
        raise ValueError(f"the requests of {path} that were asked for all arrive at once")
    # The request after the last one marks the end, so that the rate holds over the last gap too.
    times: list[float] = (used_s[:-1] * (duration_s / used_s[-1])).tolist()
    return times


def _open_text(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")
