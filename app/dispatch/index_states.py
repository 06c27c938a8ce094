"""In which state a tenant's documents are, asked of the retriever after a request began: an answer
that is given again must be as new as a search would be."""

import time
from collections.abc import Callable
from dataclasses import replace

from cachetools import LRUCache

from app.releases.route import Route
from app.request.scope import RequestScope
from deployments.contracts.errors import StageError

_ASK_S = 1.0
"""Time that the retriever has; one that does not answer in it is searched as ever."""
_KEPT = 4096


class IndexStates:
    """Remembers states by index and tenant, for releases that believe an older one.

    Args:
        now: Clock in seconds; monotonic.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: LRUCache[tuple[str, str], tuple[str, float]] = LRUCache(_KEPT)

    async def of(self, route: Route, scope: RequestScope) -> str:
        """Returns the state of the documents that a request would search, empty where nobody knows
        it: as it is now, or at most `max_stale_s` ago."""
        place = (route.release.retrieval, scope.principal.tenant)
        state, asked_at_s = self._known.get(place, ("", 0.0))
        now_s = self._now()
        if state and now_s - asked_at_s < route.release.cache.max_stale_s:
            return state
        call = scope.call()
        try:
            state = await route.retrieval.retriever.generation(
                call=replace(call, timeout_s=min(call.timeout_s / 4, _ASK_S))
            )
        except StageError:
            return ""
        self._known[place] = (state, now_s)
        return state

    def learn(self, route: Route, scope: RequestScope, state: str) -> None:
        """Notes the state that the search of a request saw, for releases that believe an older one;
        since when it holds, nobody knows, so it keeps the age of the one before."""
        place = (route.release.retrieval, scope.principal.tenant)
        _, asked_at_s = self._known.get(place, ("", self._now()))
        self._known[place] = (state, asked_at_s)
