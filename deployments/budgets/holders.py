"""Who of those that hold reservations is gone: told by their silence, as one observer hears it."""

SILENT_S = 10.0
"""After it a holder counts as gone. What it settles afterwards is still spent."""
_GAP_S = 3.0
"""An observer that has not looked for so long cannot tell who was silent: it begins anew. The
database may have been away, and everybody silent."""


class HolderWatch:
    """Looks at the beats of holders again and again. No clock but the observer's own takes part."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[int, float]] = {}
        self._looked_s: float | None = None

    def silent(self, beats: dict[str, int], now_s: float) -> list[str]:
        """Returns the holders that were silent for too long.

        Args:
            beats: How often each has said that it lives.
            now_s: Clock in seconds; monotonic.
        """
        if self._looked_s is None or now_s - self._looked_s > _GAP_S:
            self._heard = {}
        self._looked_s = now_s
        for holder, count in beats.items():
            if self._heard.get(holder, (None, 0.0))[0] != count:
                self._heard[holder] = (count, now_s)
        self._heard = {holder: self._heard[holder] for holder in beats}
        return [
            holder for holder, (_, since_s) in self._heard.items() if now_s - since_s >= SILENT_S
        ]
