"""The one error that people see at a terminal: what went wrong, and what to do about it."""


class CliError(Exception):
    """A failure that the person at the terminal can act on, shown without a traceback.

    Args:
        message: One sentence that says what happened.
        hint: What to do next, empty where nothing is known.
        detail: Lines to show below the message, such as the end of a log; empty where there are
            none.
    """

    def __init__(self, message: str, hint: str = "", detail: str = "") -> None:
        super().__init__(message, hint, detail)
        self.message = message
        self.hint = hint
        self.detail = detail

    def __str__(self) -> str:
        return self.message
