"""Applications in this process."""

import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray's own, when it is imported
    from ray import serve
    from ray.serve import Application

    from benchmarks.quality.local_stages import LocalApplications


class Model:
    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    async def run(self, text: str, *, times: int) -> str:
        return text * times


class Writer:
    async def __init__(self, model: Any) -> None:  # type: ignore[misc]
        self.model = model

    async def write(self, text: str) -> str:
        written: str = await self.model.run.remote(text, times=2)
        return written


def application(size: int) -> Application:
    model = serve.deployment(name="Model")(Model).bind({"size": size})
    return serve.deployment(name="Writer")(Writer).bind(model)


async def test_deployments_hold_each_other_as_handles() -> None:
    built = await LocalApplications().build(application(1))
    assert set(built) == {"Model", "Writer"}
    assert built["Model"].settings == {"size": 1}
    assert await built["Writer"].write("ab") == "abab"


async def test_same_model_is_loaded_once() -> None:
    applications = LocalApplications()
    first, second, other = [await applications.build(application(size)) for size in (1, 1, 2)]
    assert first["Model"] is second["Model"] is not other["Model"]
    assert first["Writer"] is not second["Writer"]
