"""The gateway's Serve shell: receives live settings, hands the application to Serve."""

import logging
import os
import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import ValidationError

from app.api.application import create_app
from app.clients import HandleDirectory
from app.config import GatewayArgs, GatewayLive
from app.control_client import ControlClient
from app.control_link import ControlLink
from app.releases import Releases
from app.service import make_service
from app.telemetry.access_log import AccessLog
from app.telemetry.telemetry import Telemetry
from deployments.rollouts import Weights

_log = logging.getLogger("ray.serve")
ADMIN_KEY_VARIABLE = "RAGSERVE_ADMIN_KEY"


class Ingress:
    """One replica of the HTTP edge.

    Args:
        args: `GatewayArgs` as a mapping.
    """

    def __init__(self, args: dict[str, object]) -> None:
        self._args = GatewayArgs.model_validate(args)
        self._live: GatewayLive | None = None
        self._settings_error = ""
        stages = HandleDirectory(
            self._args.concurrent_stage_calls, self._args.inter_token_timeout_s
        )
        if self._args.control is None:
            self._link = None
            releases = Releases(stages, lambda: self._live)
            control = None
        else:
            control = ControlClient(self._args.control)
            self._link = ControlLink(control, self._deployed, replica=uuid.uuid4().hex)
            releases = Releases(stages, lambda: self._live, self._link.plan)
        self._service = make_service(
            releases,
            self._args,
            observer=self._link,
            telemetry=Telemetry([AccessLog()]),
            control=control,
            admin_key=admin_key(os.environ),
            settings_error=lambda: self._settings_error,
        )

    def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Takes new live settings whole, or keeps the last good ones.

        It raises only when there are none yet: Serve replaces replicas whose `reconfigure` fails,
        so a typo in a weight would otherwise take the service down.
        """
        try:
            self._live = GatewayLive.model_validate(user_config)
        except ValidationError as error:
            if self._live is None:
                raise
            _log.error("user_config refused, the last good one stays: %s", error)
            self._settings_error = refusal(error)
        else:
            self._settings_error = ""

    async def __serve_build_asgi_app__(self) -> FastAPI:
        """Serve calls this on the replica, after the constructor: nothing is pickled."""
        if self._link is not None:
            await self._link.begin()
        return create_app(self._service, self._args)

    def _deployed(self) -> Weights | None:
        return None if self._live is None else self._live.traffic


def admin_key(environment: Mapping[str, str]) -> str:
    """Returns the operators' key; one that no header can carry opens nothing."""
    key = environment.get(ADMIN_KEY_VARIABLE, "").strip()
    if not key.isascii() or not key.isprintable():
        _log.error("%s is not plain ASCII: /admin stays closed", ADMIN_KEY_VARIABLE)
        return ""
    return key


def refusal(error: ValidationError) -> str:
    """Returns what was wrong with settings in one line, without the values."""
    problems = (
        f"{'.'.join(map(str, one['loc'])) or 'user_config'}: {one['msg']}" for one in error.errors()
    )
    return "user_config was refused, the one before it holds: " + "; ".join(problems)
