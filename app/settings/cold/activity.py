"""Settings of how a gateway replica tells the tracker what it served."""

from pydantic import Field

from deployments.settings import Settings


class ActivityArgs(Settings):
    """What is told, how often, and how much may wait for a tracker that is away."""

    every_s: float = Field(default=1.0, gt=0, le=60)
    """Seconds between two reports. It is also about what a replica loses that is killed."""

    samples_per_minute: int = Field(default=20, ge=0, le=1000)
    """Queries of a release that a replica samples in a minute, for comparisons over time: the
    embedding of each, and no text. 0 samples none. Nothing is sampled of keys whose `content` is
    `hash` or `none`, nor of requests with `X-Ragserve-Trace: none`."""

    waiting_minutes: int = Field(default=180, ge=2)
    """Figures of minutes that are older are dropped while the tracker is away. Usage is not: its
    sums take the same room however long they wait."""

    waiting_keys: int = Field(default=10_000, ge=1)
    """API keys, releases, models and days with usage that may wait. Over it, what other keys use is
    counted under the key `other`: the sums stay exact."""

    waiting_answers: int = Field(default=20_000, ge=1)
    """Ids of answers that may wait. Over it the oldest are dropped: nobody can rate these."""
