"""Settings of how a gateway replica works on batches."""

from pydantic import Field

from deployments.settings import Settings


class BatchWorkArgs(Settings):
    """How many lines of batches run beside the requests that somebody waits for."""

    max_lines: int = Field(default=8, ge=0, le=256)
    """Lines at once while nobody else asks. 0 has this gateway work on none."""

    busy_lines: int = Field(default=1, ge=1, le=256)
    """The same while requests come now and then: between two of them, never beside one."""

    quiet_s: float = Field(default=2.0, ge=0, le=600)
    """Nobody asks where no request has been open for so long."""

    trickle_s: float = Field(default=1.0, gt=0, le=600)
    """Where requests are open without a pause, a line begins all the same so often, or a batch
    would wait for ever."""
