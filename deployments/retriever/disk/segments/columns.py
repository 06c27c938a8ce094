"""The metadata of a segment by field. It never changes, so that every generation that has the
segment finds what one has made."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from deployments.retriever.disk.segments.layout import NO_PAGE
from deployments.retriever.index.columns import Column, Columns, coded

if TYPE_CHECKING:
    from deployments.retriever.disk.segments.segment import Segment


class SegmentColumns(Columns):
    """The columns of all rows of a segment.

    Args:
        segment: The segment.
    """

    def __init__(self, segment: "Segment") -> None:
        super().__init__(segment.numbers, ())
        self._segment = segment

    def _chunks(self, key: str) -> Column:
        if key == "heading":
            codes, values = coded(self._segment.headings())
            return Column(codes[self._segment.array("row_headings")], values)
        given = self._segment.array("ordinals" if key == "ordinal" else "pages")
        found, places = np.unique(given, return_inverse=True)
        listed = [None if value == NO_PAGE else value for value in found.tolist()]
        codes, values = coded(listed)
        return Column(codes[places], values)

    def _documents(self, key: str) -> Column:
        codes, values = coded([fields.get(key) for fields in self._fields])
        return Column(codes[self._segment.array("row_fields")], values)

    @property
    def _fields(self) -> list[dict[str, Any]]:
        count = self._segment.facts.field_count
        return [json.loads(self._segment.record("fields", place))[0] for place in range(count)]
