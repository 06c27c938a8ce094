"""The base of every settings model: a misspelt key is an error, a loaded value never changes."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Frozen, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
