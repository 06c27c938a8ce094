"""Applications in this process: the classes that Serve would replicate, built from the same
arguments and holding each other in place of handles."""

import inspect
import json
from collections.abc import Callable
from typing import Any

from ray.serve import Application


class LocalApplications:
    """Builds the deployments of applications. Two that have the same name and arguments, and hold
    no others, are one: a model is loaded once."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    async def build(self, application: Application) -> dict[str, Any]:
        """Returns the deployments of an application by their names."""
        built: dict[str, Any] = {}
        await self._build(application, built)
        return built

    async def _build(self, application: Application, built: dict[str, Any]) -> Any:
        # Ray has no public way from an application to its deployment.
        deployment = application._bound_deployment
        holds = any(isinstance(arg, Application | list) for arg in deployment.init_args)
        key = "" if holds else json.dumps([deployment.name, deployment.init_args])
        stage = self._kept.get(key)
        if stage is None:
            args = [await self._given(arg, built) for arg in deployment.init_args]
            stage = await _construct(deployment.func_or_class, args)
            if not holds:
                self._kept[key] = stage
        built[deployment.name] = stage
        return stage

    async def _given(self, arg: Any, built: dict[str, Any]) -> Any:
        if isinstance(arg, list):
            return [await self._given(one, built) for one in arg]
        return _Handle(await self._build(arg, built)) if isinstance(arg, Application) else arg


class _Handle:
    """Has what the holder of a handle uses: `handle.method.remote(...)`."""

    def __init__(self, stage: Any) -> None:
        self._stage = stage

    def __getattr__(self, name: str) -> "_Method":
        return _Method(getattr(self._stage, name))


class _Method:
    def __init__(self, call: Callable[..., Any]) -> None:
        self.remote = call


async def _construct(cls: Any, args: list[Any]) -> Any:
    """Returns an instance; a constructor may be a coroutine, as Serve allows."""
    stage = cls.__new__(cls)
    begun = stage.__init__(*args)
    if inspect.isawaitable(begun):
        await begun
    return stage
