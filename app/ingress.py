"""The gateway's Serve shell: receives live settings, hands the application to Serve."""

import asyncio
import functools
import logging
import os
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from fastapi import FastAPI
from pydantic import ValidationError

from app.access.keyring import LOOK_EVERY_S
from app.access.oidc import OidcTokens
from app.access.opening import audited_alerts, open_keys
from app.access.principals import Authenticator
from app.api.application import create_app, make_entrance
from app.batches.runner import BatchRunner
from app.cache.opening import cache_url, open_cache
from app.conversations.conversations import RENEWED_EVERY_S, SWEPT_EVERY_S, Conversations
from app.conversations.eraser import Eraser
from app.conversations.opening import open_conversations
from app.conversations.places import places_of, spool_place
from app.dispatch.control_link import ControlLink
from app.edge.admission import current_gate
from app.evaluation.evaluator import Evaluator
from app.evaluation.opening import open_evaluator
from app.gateway import make_gateway
from app.idempotency.opening import open_idempotent
from app.idempotency.requests import FORGOTTEN_EVERY_S
from app.limits.opening import open_limiter
from app.moderation.classifier import STAGE as MODERATION
from app.moderation.classifiers import Classifiers
from app.releases.releases import Releases
from app.rpc.calls import needs_by_path
from app.rpc.methods import RpcMethods
from app.rpc.services import RpcServices
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.conversations import ConversationSettings
from app.settings.live.gateway import GatewayLive
from app.stages.batches import BatchClient
from app.stages.breaker import Breakers
from app.stages.control import ControlClient, TrackerClient
from app.stages.directory import HandleDirectory
from app.storage.opening import named_database
from app.telemetry.gauges import Admission
from app.telemetry.replica import RecordKeeper
from deployments.contracts.errors import ConfigError
from deployments.control.config import database_url
from deployments.conversations.deletions import DeletionStore
from deployments.idempotency.store import IdempotencyStore
from deployments.rollouts import TrafficPlan, Weights
from deployments.service_state import GatewayLoad
from deployments.serving.every import every
from deployments.serving.one_machine import require_one_cache, require_shared
from deployments.telemetry.ray_meter import RayMeter

_log = logging.getLogger("ray.serve")
ADMIN_KEY_VARIABLE = "RAGSERVE_ADMIN_KEY"
CONTENT_SALT_VARIABLE = "RAGSERVE_CONTENT_SALT"
_FORGET_EVERY_S = 3600.0
_NOT_TOLD = ConversationSettings(ttl_days=3650)
"""Before the first live settings: nothing is deleted by a time that may not be theirs."""
_LATE_S = 60.0
"""Time after the longest request in which what is told of it arrives."""
_WARMED_EVERY_S = 2.0
"""Time between two looks for classifiers that have not learned their examples."""
_LAST_WORK_S = 3.0
"""Time that a replica that stops has for what goes on after answers."""


class Ingress(RpcMethods):
    """One replica of the edge, over HTTP and, where Serve listens for it, over gRPC.

    Args:
        args: `GatewayArgs` as a mapping.
    """

    def __init__(self, args: dict[str, object]) -> None:
        self._args = GatewayArgs.model_validate(args)
        self._live: GatewayLive | None = None
        self._settings_error = ""
        self._evaluator: Evaluator | None = None
        self._replica = replica = uuid.uuid4().hex
        breakers = Breakers(self._args.breaker)
        stages = HandleDirectory(self._args, breakers)
        control: ControlClient | None = None
        tracker: TrackerClient | None = None
        batches: BatchClient | None = None
        self._link: ControlLink | None = None
        plan: Callable[[], TrafficPlan] = TrafficPlan
        if self._args.control is not None:
            control = ControlClient(self._args.control, self._args, breakers)
            tracker = TrackerClient(self._args.control, self._args, breakers)
            batches = BatchClient(self._args.control, self._args, breakers)
            self._link = ControlLink(control, self._deployed, replica=replica, load=_gateway_load)
            plan = self._link.plan
        keys, self._keyring = open_keys(self._args.access, os.environ)
        if keys is not None:
            require_shared(database_url(self._args.access.database_url))
        self._limiter = open_limiter(
            self._args.limits,
            os.environ,
            database=self._args.access.database_url,
            on_alert=audited_alerts(keys),
        )
        kept_in = cache_url(os.environ, database=self._args.access.database_url)
        require_one_cache(kept_in)
        self._cache = open_cache(kept_in, self._args.cache)
        self._conversations_url = named_database(os.environ, self._args.access.database_url)
        conversations = open_conversations(
            self._conversations_url,
            lambda: _NOT_TOLD if self._live is None else self._live.conversations,
            days_of_tenants=None if keys is None else keys.conversation_days,
        )
        self._records = RecordKeeper(
            self._args,
            replica=replica,
            salt=os.environ.get(CONTENT_SALT_VARIABLE, ""),
            meter=RayMeter(),
            tracker=tracker,
            admission=_admission,
            breakers=breakers.states,
            limits=self._limiter.counts,
            cache=None if self._cache is None else self._cache.counts,
            evaluations=self._evaluations,
        )
        tokens = OidcTokens(self._args.access.oidc) if self._args.access.oidc else None
        self._gateway = make_gateway(
            Releases(stages, lambda: self._live, plan),
            self._args,
            observer=self._link,
            telemetry=self._records.telemetry,
            control=control,
            tracker=tracker,
            batches=batches,
            authenticator=Authenticator(
                self._args.auth, admin_key(os.environ), self._keyring, tokens
            ),
            keys=keys,
            idempotent=open_idempotent(self._args.idempotency, self._args.access, os.environ),
            settings_error=lambda: self._settings_error,
            breakers=breakers.states,
            pace=self._records.pace,
            limiter=self._limiter,
            classifiers=Classifiers(
                lambda name: breakers.of(MODERATION, name),
                embedder_of=lambda application: stages.retrieval(application).embedder,
            ),
            cache=self._cache,
            conversations=conversations,
            eraser=self._eraser(conversations, tracker),
            content_salt=os.environ.get(CONTENT_SALT_VARIABLE, ""),
            tell=self._records.tell,
        )
        self._evaluator = open_evaluator(
            lambda: self._live,
            self._gateway.releases,
            self._records.telemetry,
            self._records.activity,
            open_requests=lambda: _load()[0],
        )

    def _eraser(
        self, conversations: Conversations | None, tracker: TrackerClient | None
    ) -> Eraser | None:
        """Returns what erases conversations, and all of users; None without a database."""
        if conversations is None:
            return None
        spool = self._records.erase_spool
        return Eraser(
            DeletionStore(self._conversations_url),
            places_of(
                conversations,
                answers=IdempotencyStore(self._conversations_url),
                cache=self._cache,
                tracker=tracker,
            ),
            own={} if spool is None else {"trace_spool": spool_place(spool)},
            late_s=max(self._args.stream_timeout_s, self._args.request_timeout_s) + _LATE_S,
            retry_s=self._args.erasure_retry_s,
        )

    def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Takes new live settings whole, or keeps the last good ones.

        It raises only when there are none yet: Serve replaces replicas whose `reconfigure` fails,
        so a typo in a weight would otherwise take the service down.
        """
        try:
            live = GatewayLive.model_validate(user_config)
            self._gateway.moderator.policies.prepare(live.moderation)
            if live.conversations.enabled:
                self._require_place_of_conversations()
            self._records.use(live)
        except (ValidationError, ConfigError) as error:
            if self._live is None:
                raise
            _log.error("user_config refused, the last good one stays: %s", error)
            self._settings_error = refusal(error)
        else:
            self._live, self._settings_error = live, ""

    async def __serve_build_asgi_app__(self) -> FastAPI:
        """Serve calls this on the replica, after the constructor: nothing is pickled."""
        if self._link is not None:
            await self._link.begin()
        gateway, args = self._gateway, self._args
        entrance = make_entrance(gateway, args, also=needs_by_path())
        self.rpc = RpcServices(entrance, gateway, args)
        return create_app(gateway, args, lifespan=self._running, entrance=entrance)

    @asynccontextmanager
    async def _running(self, app: FastAPI) -> AsyncIterator[None]:
        runner: BatchRunner | None = None
        if self._gateway.batches is not None:
            args = self._args.batches
            runner = BatchRunner(
                *(self._gateway.batches, app, _load, args),
                name=self._replica,
                principal_of=self._gateway.authenticator.of_key,
            )
        idempotent = self._gateway.idempotent
        loops = [asyncio.create_task(loop) for loop in self._loops()]
        kept = nullcontext() if self._cache is None else self._cache.running()
        async with self._records.running(), self._limiter.running(), kept:
            if runner is not None:
                runner.begin()
            try:
                yield
            finally:
                for loop in loops:
                    loop.cancel()
                if idempotent is not None:
                    await idempotent.close(_LAST_WORK_S)
                if (conversations := self._gateway.conversations) is not None:
                    await conversations.close(_LAST_WORK_S)
                if runner is not None:
                    await runner.close()
                await self._gateway.dispatcher.close(_LAST_WORK_S)

    def _evaluations(self) -> Mapping[tuple[str, str], int]:
        return {} if self._evaluator is None else self._evaluator.counts()

    def _loops(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Yields what a replica does again and again beside requests."""
        if self._keyring is not None:
            yield every(LOOK_EVERY_S, self._keyring.look, fails="keys that changed are not known")
        if (keys := self._gateway.keys) is not None:
            forget = functools.partial(asyncio.to_thread, keys.forget_audit)
            yield every(_FORGET_EVERY_S, forget, fails="old rows of the audit log stay")
        if (idempotent := self._gateway.idempotent) is not None:
            yield every(FORGOTTEN_EVERY_S, idempotent.forget_old, fails="old answers stay")
        moderator = self._gateway.moderator
        yield every(_WARMED_EVERY_S, moderator.warm, fails="classifiers learn with a request")
        if (kept := self._gateway.conversations) is not None:
            yield every(RENEWED_EVERY_S, kept.renew, fails="turns may be begun twice")
            yield every(SWEPT_EVERY_S, kept.sweep, fails="old conversations stay")
        if self._evaluator is not None:
            yield self._evaluator.run()
        if (eraser := self._gateway.eraser) is not None:
            retry_s = self._args.erasure_retry_s
            yield every(retry_s, eraser.retry, fails="deletions are tried later")

    def _require_place_of_conversations(self) -> None:
        """Raises ConfigError where there is no database that all replicas share."""
        if not self._conversations_url:
            raise ConfigError("conversations.enabled needs RAGSERVE_DATABASE_URL.")
        require_shared(self._conversations_url)

    def _deployed(self) -> Weights | None:
        return None if self._live is None else self._live.traffic


def _admission() -> Admission | None:
    gate = current_gate()
    return None if gate is None else Admission(gate.limit.open_requests, gate.limit.limit)


def _gateway_load() -> GatewayLoad | None:
    admission = _admission()
    return None if admission is None else GatewayLoad(*admission)


def _load() -> tuple[int, float]:
    """Returns how many requests are open that somebody waits for, and since when none is."""
    gate = current_gate()
    return (0, 0.0) if gate is None else (gate.foreground.open_requests, gate.foreground.quiet_s())


def admin_key(environment: Mapping[str, str]) -> str:
    """Returns the operators' key; one that no header can carry opens nothing."""
    key = environment.get(ADMIN_KEY_VARIABLE, "").strip()
    if not key.isascii() or not key.isprintable():
        _log.error("%s is not plain ASCII: /admin stays closed", ADMIN_KEY_VARIABLE)
        return ""
    return key


def refusal(error: ValidationError | ConfigError) -> str:
    """Returns what was wrong with settings in one line, without the values."""
    problems = [str(error)]
    if isinstance(error, ValidationError):
        problems = [
            f"{'.'.join(map(str, detail['loc'])) or 'user_config'}: {detail['msg']}"
            for detail in error.errors()
        ]
    return "user_config was refused, the one before it holds: " + "; ".join(problems)
