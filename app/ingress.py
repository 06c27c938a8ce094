"""The gateway's Serve shell: receives live settings, hands the application to Serve."""

import logging
from typing import Any

from fastapi import FastAPI
from pydantic import ValidationError

from app.api.application import create_app
from app.clients import HandleDirectory
from app.config import GatewayArgs, GatewayLive
from app.releases import Releases

_log = logging.getLogger("ray.serve")


class Ingress:
    """One replica of the HTTP edge.

    Args:
        args: `GatewayArgs` as a mapping.
    """

    def __init__(self, args: dict[str, object]) -> None:
        self._args = GatewayArgs.model_validate(args)
        self._live: GatewayLive | None = None
        stages = HandleDirectory(
            self._args.concurrent_stage_calls, self._args.inter_token_timeout_s
        )
        self._releases = Releases(stages, lambda: self._live)

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

    async def __serve_build_asgi_app__(self) -> FastAPI:
        """Serve calls this on the replica, after the constructor: nothing is pickled."""
        return create_app(self._releases, self._args)
