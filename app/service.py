"""What a gateway replica serves, in one place: the application of `app.api` is a function of it."""

from collections.abc import Callable
from dataclasses import dataclass

from app.config import GatewayArgs
from app.control_link import NoObserver, Observer
from app.dispatch import Dispatcher
from app.judging import Judging
from app.releases import Releases
from app.shadow import Shadow
from deployments.rollouts import ControlStage


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that routes use.

    Args:
        releases: Who answers whom.
        dispatcher: Has requests answered.
        control: The rollout controller, None where there is none.
        admin_key: Opens the routes for operators, empty where nothing does.
        settings_error: Returns why the settings deployed last do not hold, empty where they do.
    """

    releases: Releases
    dispatcher: Dispatcher
    control: ControlStage | None = None
    admin_key: str = ""
    settings_error: Callable[[], str] = str


def make_service(
    releases: Releases,
    args: GatewayArgs,
    *,
    observer: Observer | None = None,
    control: ControlStage | None = None,
    admin_key: str = "",
    settings_error: Callable[[], str] = str,
) -> Service:
    """Returns the service over releases; without an observer, nobody is told what became of
    requests."""
    told = observer or NoObserver()
    shadow = Shadow(
        releases,
        told,
        Judging(releases.generator),
        max_requests=args.shadow_concurrency,
        timeout_s=args.request_timeout_s,
    )
    return Service(releases, Dispatcher(releases, told, shadow), control, admin_key, settings_error)
