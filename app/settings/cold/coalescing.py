"""How requests that wait for the same deployment travel together."""

from pydantic import Field

from deployments.settings import Settings


class CoalescingArgs(Settings):
    """When a call leaves while others are away, for the embedder and the retriever. Where cores are
    busy, two calls at once take longer than a larger one."""

    waiting_per_call: int = Field(default=4, ge=0)
    """So many requests must wait for each call that is away before another leaves. 0 has every
    request leave at once, as far as `concurrent_stage_calls` allows."""

    patience_s: float = Field(default=0.1, gt=0, le=10)
    """Nobody waits longer for others to travel with: a call that is away may hang."""
