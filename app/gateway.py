"""What a gateway replica serves, in one place: the application of `app.api` is a function of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from app.access.principals import Authenticator
from app.cache.response_cache import ResponseCache
from app.conversations.conversations import Conversations
from app.conversations.eraser import Eraser
from app.dispatch.caching import CachingDispatcher
from app.dispatch.dispatcher import Dispatcher
from app.dispatch.judge import LanguageModelJudge
from app.dispatch.observer import NoObserver, Observer
from app.dispatch.shadow import Shadow
from app.feedback.ratings import Ratings
from app.feedback.texts import FeedbackTexts
from app.idempotency.requests import IdempotentRequests
from app.limits.limiter import Limiter
from app.moderation.classifier import AlwaysClosed
from app.moderation.classifiers import Classifiers
from app.moderation.moderator import Moderator
from app.moderation.policies import Policies
from app.releases.releases import Releases
from app.settings.cold.breaker import BreakerStates
from app.settings.cold.gateway import GatewayArgs
from app.telemetry.pace import Pace
from app.telemetry.requests import Telemetry
from deployments.access.store import AccessStore
from deployments.activity import TrackerStage
from deployments.batches.contract import BatchStage
from deployments.rollouts import ControlStage


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts that routes use.

    Args:
        releases: Who answers whom.
        dispatcher: Has requests answered.
        telemetry: Where they are reported when they have ended.
        moderator: Says what may be asked and answered.
        control: The rollout controller, None where there is none.
        tracker: Knows what was used, None where there is no control application.
        batches: Keeps batches of work, None where there is no control application.
        authenticator: Tells who asks.
        keys: Keeps tenants and keys; None where the service keeps none.
        idempotent: Remembers what was answered to requests that may be sent again; None where
            nothing is remembered.
        settings_error: Returns why the settings deployed last do not hold, empty where they do.
        breakers: Returns the state of each circuit breaker, by application and stage.
        pace: Knows how long answers took lately.
        control_application: Name of the control application, empty where there is none.
        limiter: Counts what keys and tenants ask and spend; None where nobody does.
        cache: Keeps answers that are given again; None where there is no place for them.
        conversations: Keeps conversations; None where there is no place for them.
        eraser: Erases conversations, and all of users; None where there is no database.
        ratings: Takes ratings of answers; None where there is no control application.
    """

    releases: Releases
    dispatcher: Dispatcher
    telemetry: Telemetry
    moderator: Moderator
    control: ControlStage | None = None
    tracker: TrackerStage | None = None
    batches: BatchStage | None = None
    authenticator: Authenticator = field(default_factory=Authenticator)
    keys: AccessStore | None = None
    idempotent: IdempotentRequests | None = None
    settings_error: Callable[[], str] = str
    breakers: BreakerStates = dict
    pace: Pace = field(default_factory=Pace)
    control_application: str = ""
    limiter: Limiter | None = None
    cache: ResponseCache | None = None
    conversations: Conversations | None = None
    eraser: Eraser | None = None
    ratings: Ratings | None = None


async def _nobody_told() -> None:
    """Where nobody is told what was answered."""


def make_gateway(
    releases: Releases,
    args: GatewayArgs,
    *,
    observer: Observer | None = None,
    telemetry: Telemetry | None = None,
    control: ControlStage | None = None,
    tracker: TrackerStage | None = None,
    batches: BatchStage | None = None,
    admin_key: str = "",
    authenticator: Authenticator | None = None,
    keys: AccessStore | None = None,
    idempotent: IdempotentRequests | None = None,
    settings_error: Callable[[], str] = str,
    breakers: BreakerStates = dict,
    pace: Pace | None = None,
    limiter: Limiter | None = None,
    classifiers: Classifiers | None = None,
    cache: ResponseCache | None = None,
    conversations: Conversations | None = None,
    eraser: Eraser | None = None,
    content_salt: str = "",
    tell: Callable[[], Awaitable[object]] = _nobody_told,
) -> Gateway:
    """Returns the service over releases; without observer and telemetry, nobody is told what
    became of requests, and without an authenticator the key of last resort is the only one.
    `tell` has the tracker told at once what was answered."""
    told, reported = observer or NoObserver(), telemetry or Telemetry()
    shadow = Shadow(
        releases,
        told,
        LanguageModelJudge(releases.generator),
        reported,
        max_requests=args.shadow_concurrency,
        timeout_s=args.request_timeout_s,
    )
    moderator = Moderator(
        Policies(releases.settings), classifiers or Classifiers(lambda _: AlwaysClosed())
    )
    parts = (releases, told, shadow, reported, moderator)
    dispatcher = Dispatcher(*parts) if cache is None else CachingDispatcher(*parts, cache)
    ratings = None
    if tracker is not None:
        texts = FeedbackTexts(releases.settings, content_salt.encode())
        ratings = Ratings(tracker, texts, tell=tell, every_s=args.activity.every_s)
    return Gateway(
        releases,
        dispatcher,
        reported,
        moderator,
        control=control,
        tracker=tracker,
        batches=batches,
        authenticator=authenticator or Authenticator(args.auth, admin_key),
        keys=keys,
        idempotent=idempotent,
        settings_error=settings_error,
        breakers=breakers,
        pace=pace or Pace(),
        control_application=args.control or "",
        limiter=limiter,
        cache=cache,
        conversations=conversations,
        eraser=eraser,
        ratings=ratings,
    )
