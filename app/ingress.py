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
from app.telemetry.recording import RecordKeeper
from deployments.errors import ConfigError
from deployments.rollouts import Weights

_log = logging.getLogger("ray.serve")
ADMIN_KEY_VARIABLE = "RAGSERVE_ADMIN_KEY"
CONTENT_SALT_VARIABLE = "RAGSERVE_CONTENT_SALT"
_FLUSH_S = 5.0
"""Time that a replica that stops has for the records of its last requests."""


class Ingress:
    """One replica of the HTTP edge.

    Args:
        args: `GatewayArgs` as a mapping.
    """

    def __init__(self, args: dict[str, object]) -> None:
        self._args = GatewayArgs.model_validate(args)
        self._live: GatewayLive | None = None
        self._settings_error = ""
        replica = uuid.uuid4().hex
        salt = os.environ.get(CONTENT_SALT_VARIABLE, "")
        self._records = RecordKeeper(self._args, replica=replica, salt=salt)
        stages = HandleDirectory(
            self._args.concurrent_stage_calls, self._args.inter_token_timeout_s
        )
        if self._args.control is None:
            self._link = None
            releases = Releases(stages, lambda: self._live)
            control = None
        else:
            control = ControlClient(self._args.control)
            self._link = ControlLink(control, self._deployed, replica=replica)
            releases = Releases(stages, lambda: self._live, self._link.plan)
        self._service = make_service(
            releases,
            self._args,
            observer=self._link,
            telemetry=self._records.telemetry,
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
            live = GatewayLive.model_validate(user_config)
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
        return create_app(self._service, self._args)

    def __del__(self) -> None:
        """Serve calls it when the replica stops, after its last request."""
        if hasattr(self, "_records"):
            self._records.close(_FLUSH_S)

    def _deployed(self) -> Weights | None:
        return None if self._live is None else self._live.traffic


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
            f"{'.'.join(map(str, one['loc'])) or 'user_config'}: {one['msg']}"
            for one in error.errors()
        ]
    return "user_config was refused, the one before it holds: " + "; ".join(problems)
