"""Settings of limits and budgets. What a key may ask stands with the key; where it is counted, in
the environment variable `RAGSERVE_LIMITS_URL`, which may hold a password."""

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from deployments.settings import Settings


class LimitsArgs(Settings):
    """How what keys and tenants may ask is counted."""

    clock: Literal["store", "replica"] = "store"
    """Whose time counts, with Redis: the server's own, or each replica's, for servers whose scripts
    must not ask for the time. Clocks of replicas must agree then."""

    max_replicas: int = Field(default=2, ge=1, le=1000)
    """Replicas of the gateway that there are at most. While the store of limits is away, each of
    them lets pass this part of every limit."""

    time_zone: str = Field(default="UTC", max_length=64)
    """The time zone in which days and months of budgets begin, such as `Europe/Berlin`. Changed in
    the middle of a day, it gives that day another beginning, and its budget anew."""

    @field_validator("time_zone")
    @classmethod
    def _is_a_time_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError) as error:
            raise ValueError(f"'{name}' is no time zone") from error
        return name
