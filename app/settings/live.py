"""Live settings of the gateway: releases, traffic, prices, recording and routing."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from app.settings.prices import PriceTable
from app.settings.recording import Recording
from app.settings.release import Release
from app.settings.routing import RoutingRule
from deployments.settings import Settings

Weight = Annotated[float, Field(ge=0.0, le=1.0)]


ReleaseName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


class GatewayLive(Settings):
    """Live settings, the ingress's `user_config`: changed in place, no process restarts."""

    releases: dict[ReleaseName, Release] = Field(min_length=1)
    """Releases by name; a name goes into a header."""

    traffic: dict[str, Weight] = Field(min_length=1)
    """Weight per release; shares of the sum. A release without one gets no traffic and can still be
    deployed."""

    prices: PriceTable = PriceTable()
    """What tokens cost, by model."""

    recording: Recording = Recording()
    """Which traces are kept, and what of their texts."""

    routing: tuple[RoutingRule, ...] = ()
    """What `model: auto` means: the first rule that fits a request names its model; where none
    fits, traffic decides."""

    @model_validator(mode="after")
    def _names_releases_that_exist(self) -> Self:
        unknown = sorted(set(self.traffic) - set(self.releases))
        if unknown:
            raise ValueError(f"traffic names releases that do not exist: {', '.join(unknown)}")
        for rule in self.routing:
            release = rule.use.removeprefix("ragserve:")
            if release != rule.use and release not in self.releases:
                raise ValueError(f"routing names a release that does not exist: {release}")
        if sum(self.traffic.values()) <= 0:
            raise ValueError("at least one release needs a weight above zero")
        return self
