"""A list of terms and what is said of them: `<dl>`, as `term: definition`.

A definition alone, such as the number of a port, says nothing; with its term it is a sentence.
"""

_ENDS = (".", "!", "?", "…", "。", "？")
"""What ends in one of them says something by itself, such as a question and its answer."""
_MAX_CHARS = 300
"""What is longer is no term, such as the signature of a function with many arguments."""


class Terms:
    """The terms that wait for what is said of them."""

    def __init__(self) -> None:
        self._waiting: list[str] = []

    def add(self, term: str) -> None:
        """Takes a term; several in a row share what follows."""
        if text := " ".join(term.split()):
            self._waiting.append(text)

    def take(self) -> str:
        """Returns those that wait, of which nothing will be said beside them; "" for none."""
        terms, self._waiting = ", ".join(self._waiting), []
        return terms

    def lead(self, text: str) -> tuple[str, ...]:
        """Returns the paragraphs that a definition is, with the terms before it."""
        terms = self.take()
        if not terms:
            return (text,)
        if terms.endswith(_ENDS) or len(terms) > _MAX_CHARS:
            return terms, text
        return (f"{terms.removesuffix(':')}: {text.strip()}",)
