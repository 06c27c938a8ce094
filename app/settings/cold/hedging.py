"""When a call that is late is sent a second time."""

from pydantic import Field

from deployments.settings import Settings


class HedgingArgs(Settings):
    """A copy of a call to the embedder, the retriever or the reranker, for another replica, where
    the first one is late and nothing has failed: a node that is gone answers nothing, and for a
    minute nobody says so. Whichever answers first is believed. A deployment with one replica gets
    none."""

    after_s: float = Field(default=1.0, gt=0, le=60)
    """A call is late after so much time at least."""

    times_slower: float = Field(default=3.0, ge=1)
    """And after so many times what 95 of the last 100 calls took: where all are slow, a copy is
    only more work."""

    budget_ratio: float = Field(default=0.05, ge=0, le=1)
    """Copies for each call, on average; a few more where there was none for long. 0 sends none."""
