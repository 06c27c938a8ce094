"""Settings of the embedder. They are part of a version: a change restarts its retrieval
application."""

from deployments.encoding.config import EncodingArgs


class EmbedderArgs(EncodingArgs):
    """Which model embeds, and how much of it runs at once."""
