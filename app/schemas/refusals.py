"""How a request says no to what OpenAI's API has and this service has not: by the field's name, and
with the reason, as many clients show nothing else."""

from typing import Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from app.schemas.sampling import UNSUPPORTED


def unsupported(reason: str) -> PydanticCustomError:
    """Returns the error of a field that is refused for this reason."""
    return PydanticCustomError(UNSUPPORTED, "{reason}", {"reason": reason})


def refused(reason: str) -> BeforeValidator:
    """Returns the check of a field that may be absent or null, and is refused otherwise."""

    def check(value: Any) -> Any:
        if value is not None:
            raise unsupported(reason)
        return value

    return BeforeValidator(check)
