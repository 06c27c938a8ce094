"""The events of a streamed answer, as values.

The last one is the whole answer, with the sources that came first, so that whoever printed the
pieces need not put them together."""

from typing import Any

from app.client.api_errors import ApiConnectionError
from app.client.replies import validated
from app.schemas.answers import Citation, DeltaEvent, QueryResponse, SourcesEvent

StreamEvent = SourcesEvent | DeltaEvent | Citation | QueryResponse


class AnswerReader:
    """Reads the events of one answer.

    Attributes:
        is_whole: Whether the last event has come.
    """

    def __init__(self) -> None:
        self.is_whole = False
        self._sources: Any = ()

    def read(self, name: str, data: dict[str, Any]) -> StreamEvent | None:
        """Returns an event as a value, None for one that this version does not know.

        Raises:
            UnexpectedResponseError: the event is not what this version reads.
        """
        match name:
            case "sources":
                self._sources = data.get("sources", ())
                return validated(SourcesEvent, data)
            case "delta":
                return validated(DeltaEvent, data)
            case "citation":
                return validated(Citation, data)
            case "done":
                self.is_whole = True
                return validated(QueryResponse, {**data, "sources": self._sources})
        return None

    def end(self) -> None:
        """Raises ApiConnectionError where the stream has ended before the answer."""
        if not self.is_whole:
            raise ApiConnectionError("The answer broke off.")
