"""The base of every settings model: a misspelt key is an error, a loaded value never changes."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from deployments.contracts.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


class Settings(BaseModel):
    """Frozen, and closed to unknown keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


def parse_settings(model: type[Model], value: Any, *, place: str) -> Model:
    """Returns the settings, or raises ConfigError that names the place of the first mistake."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = ".".join([place, *(str(part) for part in first["loc"])])
        raise ConfigError(f"{at}: {first['msg']}") from error
