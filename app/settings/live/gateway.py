"""Live settings of the gateway: releases, traffic, prices, recording and routing."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from app.settings.live.conversations import ConversationSettings
from app.settings.live.evaluation import OnlineEvaluation
from app.settings.live.feedback import FeedbackSettings
from app.settings.live.housekeeping import USUAL, HousekeepingRule
from app.settings.live.moderation import Moderation
from app.settings.live.prices import PriceTable
from app.settings.live.recording import Recording
from app.settings.live.release import Release
from app.settings.live.routing import AUTO, DYNAMIC, RoutingRule
from deployments.settings import Settings

ModelAlias = Annotated[str, Field(pattern=r"^[^\x00-\x20]{1,256}$")]
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

    moderation: Moderation = Moderation()
    """What may not be asked and not be answered."""

    conversations: ConversationSettings = ConversationSettings()
    """Whether conversations are kept, and for how long."""

    feedback: FeedbackSettings = FeedbackSettings()
    """Whether answers can be rated."""

    evaluation: OnlineEvaluation = OnlineEvaluation()
    """Which answers are judged after they went out."""

    routing: tuple[RoutingRule, ...] = ()
    """What `model: auto` means: the first rule that fits a request names its model; where none
    fits, traffic decides."""

    routing_exploration: Weight = 0.05
    """Share of the requests to `auto` that go to another model of their rule where figures decide,
    so that one that was slow a while ago is seen to be fast again."""

    housekeeping: tuple[HousekeepingRule, ...] = USUAL
    """By what the prompts are known with which chat programs ask for titles, tags and the like.
    They are not searched for and are no evidence of anything; empty takes them for questions."""

    aliases: dict[ModelAlias, str] = {}
    """Other names that a request may give as its `model`, such as `gpt-4o`, and what each stands
    for: `ragserve`, `ragserve:<release>`, `auto`, or a model's own name."""

    def named(self, model: str) -> str:
        """Returns what a name stands for; itself where it is no alias."""
        name = self.aliases.get(model, model)
        return AUTO if name == DYNAMIC else name

    @model_validator(mode="after")
    def _aliases_are_no_names_of_ours(self) -> Self:
        for alias, target in self.aliases.items():
            if alias in ("ragserve", AUTO, DYNAMIC) or alias.startswith("ragserve:"):
                raise ValueError(f"'{alias}' has a meaning of its own and cannot be an alias")
            if target in self.aliases:
                raise ValueError(f"the alias '{alias}' stands for another alias, '{target}'")
            self._check_release_of(target, "aliases")
        return self

    @model_validator(mode="after")
    def _names_releases_that_exist(self) -> Self:
        unknown = sorted(set(self.traffic) - set(self.releases))
        if unknown:
            raise ValueError(f"traffic names releases that do not exist: {', '.join(unknown)}")
        for rule in self.routing:
            for model in rule.use:
                self._check_release_of(model, "routing")
        for release in self.releases.values():
            if release.moderation is not None:
                self.moderation.require(release.moderation)
        if sum(self.traffic.values()) <= 0:
            raise ValueError("at least one release needs a weight above zero")
        return self

    def _check_release_of(self, model: str, place: str) -> None:
        release = model.removeprefix("ragserve:")
        if release != model and release not in self.releases:
            raise ValueError(f"{place} names a release that does not exist: {release}")
