"""From a request to the stages that serve it: which release, and where its applications are."""

from collections.abc import Callable, Mapping

from app.releases.assignment import Assignment
from app.releases.failover import GeneratorChain
from app.releases.route import Directory, RetrievalStages, Route
from app.settings.live.gateway import GatewayLive
from deployments.canary.assignment import assign_arm, assign_release
from deployments.contracts.errors import Unavailable
from deployments.rollouts import ActiveRollout, TrafficOverride, TrafficPlan


class Releases:
    """Decides which release serves whom, by the weights in force at this moment.

    Args:
        directory: Where stages are found.
        live: Returns the live settings; None before the first ones arrived.
        plan: Returns what the control application wants beside them.
    """

    def __init__(
        self,
        directory: Directory,
        live: Callable[[], GatewayLive | None],
        plan: Callable[[], TrafficPlan] = TrafficPlan,
    ) -> None:
        self._directory = directory
        self._live = live
        self._plan = plan

    def assign(self, sticky_key: str) -> Assignment:
        """Returns who answers a caller; a key keeps its release while the weights stay, and its arm
        while a rollout lasts."""
        rollout = self.rollout()
        if rollout is not None:
            arm = assign_arm(rollout.shares, salt=rollout.id, sticky_key=sticky_key)
            if arm is not None:
                tried = arm == "canary" and rollout.shares.canary > 0
                release = rollout.canary if tried else rollout.stable
                return Assignment(release, sticky_key, rollout, arm)
        return Assignment(assign_release(self.weights(), sticky_key=sticky_key), sticky_key)

    def weights(self) -> Mapping[str, float]:
        """Returns the weights in force beside a rollout."""
        override = self.override()
        return self.settings().traffic if override is None else override.weights

    def override(self) -> TrafficOverride | None:
        """Returns the weights that were set beside the settings, as long as they hold."""
        override = self._plan().override
        if override is not None and _holds(override, self.settings()):
            return override
        return None

    def rollout(self) -> ActiveRollout | None:
        """Returns the rollout under way, if the settings have both of its releases."""
        rollout = self._plan().rollout
        if rollout is not None and {rollout.stable, rollout.canary} <= set(self.names()):
            return rollout
        return None

    def route(self, name: str) -> Route:
        """Returns the route of a release by name."""
        release = self.settings().releases[name]
        targets = [self._directory.generator(target) for target in release.generator]
        return Route(
            name,
            release,
            self._directory.retrieval(release.retrieval),
            GeneratorChain(targets, release.first_token_timeout_s),
        )

    def main(self) -> Route:
        """Returns the route with the most traffic, ties by name: where lists are read, whose pages
        must come from one index."""
        traffic = self.weights()
        return self.route(min(traffic, key=lambda name: (-traffic[name], name)))

    def names(self) -> list[str]:
        """Returns the names of all releases, sorted."""
        return sorted(self.settings().releases)

    def serving(self) -> list[Route]:
        """Returns the routes that get traffic, without one that is only tried: others answer in its
        place."""
        return [self.route(name) for name, weight in sorted(self.weights().items()) if weight]

    def indexes(self) -> dict[str, RetrievalStages]:
        """Returns every retrieval application that a release names: a document is written to all of
        them, in this order. The one with the most traffic is first: whoever fills another from it
        looks there, afterwards, whether a write came in between."""
        applications = {release.retrieval for release in self.settings().releases.values()}
        main = self.main().release.retrieval
        ordered = sorted(applications, key=lambda name: (name != main, name))
        return {name: self._directory.retrieval(name) for name in ordered}

    def generator(self, application: str) -> GeneratorChain:
        """Returns one generator application on its own, whether a release names it or not."""
        return GeneratorChain([self._directory.generator(application)], 0.0)

    def settings(self) -> GatewayLive:
        """Returns the settings in force.

        Raises:
            Unavailable: none have arrived yet.
        """
        settings = self._live()
        if settings is None:
            raise Unavailable("The gateway has no releases yet.", "gateway", 1.0)
        return settings

    def generators(self) -> dict[str, GeneratorChain]:
        """Returns every generator application that a release names, each on its own."""
        releases = self.settings().releases.values()
        applications = {target for release in releases for target in release.generator}
        return {name: self.generator(name) for name in sorted(applications)}


def _holds(override: TrafficOverride, settings: GatewayLive) -> bool:
    """Returns whether nobody has deployed other weights since, and all its releases are there."""
    return override.deployed == settings.traffic and set(override.weights) <= set(settings.releases)
