"""What kind of document is preferred, or stands back, in the order of what was found."""

from typing import Self

from pydantic import Field, model_validator

from deployments.settings import Settings


class Prior(Settings):
    """Moves the chunks of some documents up or down."""

    path: str | None = Field(default=None, min_length=1, max_length=512)
    """Pattern of the documents' paths, such as `*/manual/*` or `*changelog*`: `*` stands for any
    characters, `?` for one; case does not count."""

    metadata: dict[str, str | int | float | bool] = Field(default={}, max_length=16)
    """Metadata that documents must have, such as `status: final`; with a path, both must fit."""

    score: float = Field(ge=-1.0, le=1.0)
    """Added to the score of each of their chunks after reranking, which lies between 0 and 1 for
    the chunks of one search: -0.2 lets a manual that is about as good come first, -1 leaves them
    behind all others."""

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if self.path is None and not self.metadata:
            raise ValueError("a prior needs `path` or `metadata`")
        return self
