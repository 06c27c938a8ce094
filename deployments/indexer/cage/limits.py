"""Settings of how files are read: how many at once, how long, with how much memory, and what of
them that is not shown."""

from pydantic import Field

from deployments.settings import Settings


class ReadingArgs(Settings):
    """What one file may cost. One that needs more has failed, by name; the others go on."""

    processes: int = Field(default=2, ge=1, le=64)
    """Files that are read at once, each in a process of its own: the libraries that read binary
    formats cannot be interrupted, and some crash."""

    timeout_s: float = Field(default=60.0, gt=0, le=3600)
    """Seconds that the reading of one file may take, on the clock and of a processor."""

    memory_mib: int = Field(default=1024, ge=128)
    """Memory of the process that reads it, beside what it takes when it has read nothing. Linux
    holds it to this; other systems do not."""

    share_beside_questions: float = Field(default=0.1, gt=0, le=1)
    """Share of the time in which the reading of a file goes on while questions are answered on the
    same node; it goes on all the time while nobody asks. 1 stands back for nobody. The clock of
    `timeout_s` stands still meanwhile. Linux only, and only where the node has a folder
    (`RAGSERVE_INDEX_DIR`), over which its processes know of questions."""

    hidden: bool = False
    """Whether hidden sheets, slides and text are read."""

    comments: bool = False
    """Whether comments in Word documents are read."""
