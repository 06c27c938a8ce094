"""Which weights the gateway's settings have, as its replicas tell: for a while they may differ."""

from collections import Counter
from dataclasses import dataclass, field

from deployments.rollouts import Weights

_SILENT_S = 5.0
"""A replica that has not reported for so long is no longer there."""


@dataclass(slots=True)
class DeployedWeights:
    """What replicas say, and since when.

    A replica that drains keeps older settings than the others, for minutes if it streams. So what
    was heard of last counts, and not who spoke last.
    """

    _told: dict[str, tuple[Weights, float]] = field(default_factory=dict)
    _since_s: list[tuple[Weights, float]] = field(default_factory=list)

    def note(self, replica: str, weights: Weights, now_s: float) -> None:
        """Notes what a replica says; empty weights say nothing."""
        if not weights:
            return
        former = self._told.get(replica)
        self._told[replica] = weights, now_s
        unheard = all(known != weights for known, _ in self._since_s)
        if unheard or (former is not None and former[0] != weights):
            self._since_s = [one for one in self._since_s if one[0] != weights]
            self._since_s.append((weights, now_s))

    def current(self, now_s: float) -> Weights | None:
        """Returns the weights that were deployed last, None where nobody says anything."""
        self._told = {
            replica: one for replica, one in self._told.items() if now_s - one[1] <= _SILENT_S
        }
        told = [weights for weights, _ in self._told.values()]
        self._since_s = [one for one in self._since_s if one[0] in told]
        if not told:
            return None
        count = Counter(str(sorted(weights.items())) for weights in told)
        # Heard of at the same time, as after a restart: those that most replicas have.
        return max(self._since_s, key=lambda one: (one[1], count[str(sorted(one[0].items()))]))[0]
