"""How busy the replicas of the gateway are, by what each said last."""

from deployments.service_state import GatewayLoad

_SILENT_S = 5.0
"""Who has said nothing for so long is gone, or cannot be heard: they report once a second."""


class Loads:
    """Remembers what replicas said."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[float, GatewayLoad]] = {}

    def note(self, replica: str, load: GatewayLoad | None, now_s: float) -> None:
        """Takes what a replica says at a time in seconds; an older version says nothing."""
        if load is not None:
            self._said[replica] = now_s, load

    def latest(self, now_s: float) -> dict[str, GatewayLoad]:
        """Returns what each replica said that is there, by its name, and forgets the others."""
        self._said = {
            replica: said for replica, said in self._said.items() if now_s - said[0] <= _SILENT_S
        }
        return {replica: load for replica, (_, load) in sorted(self._said.items())}
