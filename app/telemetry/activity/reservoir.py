"""A bounded random sample of the queries of a minute."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from deployments.activity import QuerySample


@dataclass(slots=True)
class QueryReservoir:
    """Keeps some of the queries that it is offered; each has the same chance to be kept.

    Source: Vitter, Random Sampling with a Reservoir, ACM TOMS 11(1), 1985, algorithm R.

    Args:
        size: Queries that are kept at most.
    """

    size: int
    kept: list[QuerySample] = field(default_factory=list)
    _offered: int = 0

    def offer(self, make: Callable[[], QuerySample]) -> None:
        """Offers a query, which is made only if it is kept."""
        self._offered += 1
        if self._offered <= self.size:
            self.kept.append(make())
            return
        place = random.randrange(self._offered)
        if place < self.size:
            self.kept[place] = make()
