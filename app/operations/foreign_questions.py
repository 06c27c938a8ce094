"""Questions on many subjects: what people ask who ask the wrong service.

Most collections hold answers to few of them or to none. Those that it does answer are few enough
that a fit by quantiles does not mind. English, as the packaged models are.
"""

from pathlib import Path

_FILE = Path(__file__).with_name("foreign_questions.txt")


def foreign_questions() -> tuple[str, ...]:
    """Returns the questions of the file beside this one, which has one on each line, and comments
    after `#`."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))
