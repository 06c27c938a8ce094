"""Settings of how a gateway replica works on batches."""

from pydantic import Field

from deployments.settings import Settings


class BatchWorkArgs(Settings):
    """How many lines of batches run beside the requests that somebody waits for."""

    max_lines: int = Field(default=8, ge=0, le=256)
    """Lines at once while nobody else asks. 0 has this gateway work on none."""

    busy_share: float = Field(default=0.1, gt=0, le=1)
    """Share of the time in which a line runs while requests come: one at a time, begun between two
    requests and never beside one. After each the replica rests, so that the next request most
    likely meets none."""

    quiet_s: float = Field(default=30.0, ge=0, le=3600)
    """Nobody asks where no request has been open for so long. Who asks next meets all lines that
    run by then."""

    trickle_s: float = Field(default=2.0, gt=0, le=600)
    """Where requests are open without a pause, a line begins all the same so often, or a batch
    would wait for ever."""
