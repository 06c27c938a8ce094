"""Reads plain text and logs as a terminal would show them."""

from deployments.contracts.documents import Part
from deployments.indexer.formats.converted import Converted
from deployments.indexer.formats.text.encodings import decode_text
from deployments.indexer.formats.text.terminal import drop_raw_sequences, show_lines


def read_plain(content: bytes) -> Converted:
    """Reads a text; overwritten lines of progress leave their last state."""
    decoded = decode_text(drop_raw_sequences(content))
    return Converted((Part(show_lines(decoded.text)),), warnings=decoded.warnings)
