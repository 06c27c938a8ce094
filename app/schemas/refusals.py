"""How a request says no to what OpenAI's API has and this service has not: by the field's name, and
with the reason, as many clients show nothing else."""

from pydantic_core import PydanticCustomError

from app.schemas.wire import UNSUPPORTED


def unsupported(reason: str) -> PydanticCustomError:
    """Returns the error of a field that is refused for this reason."""
    return PydanticCustomError(UNSUPPORTED, "{reason}", {"reason": reason})
