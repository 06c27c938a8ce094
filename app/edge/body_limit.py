"""A request's body that stops at a bound, whether its length was told or must be counted."""

from starlette.types import Message, Receive

from deployments.contracts.errors import RequestTooLarge


class BoundedBody:
    """Reads a body.

    Args:
        receive: Where it comes from.
        limit_bytes: The bound.
    """

    def __init__(self, receive: Receive, limit_bytes: int) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._received_bytes = 0
        self.over: RequestTooLarge | None = None
        """What was raised at the bound."""

    def check_told_length(self, told: str) -> None:
        """Raises RequestTooLarge before a byte is read, if the client said how much will come."""
        if told.isascii() and told.isdigit() and int(told[:18]) > self._limit_bytes:
            raise self._too_large()

    async def receive(self) -> Message:
        """Returns the next message; raises RequestTooLarge, and remembers that it did.

        Remembered, because a framework that reads the body takes the error for a broken body.
        """
        message = await self._receive()
        self._received_bytes += len(message.get("body", b""))
        if self._received_bytes > self._limit_bytes:
            self.over = self._too_large()
            raise self.over
        return message

    def _too_large(self) -> RequestTooLarge:
        return RequestTooLarge(f"The body is over the bound of {self._limit_bytes} bytes.")
