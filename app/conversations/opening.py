"""Opens the conversations, in the database that keeps keys."""

from collections.abc import Callable

from app.conversations.conversations import Conversations
from app.settings.conversations import ConversationSettings
from deployments.conversations.store import ConversationStore


def open_conversations(
    url: str, settings: Callable[[], ConversationSettings]
) -> Conversations | None:
    """Returns what keeps conversations; None without a database. Nothing is connected yet.

    Args:
        url: See `named_database`.
        settings: Returns what holds at the moment.

    Raises:
        ConfigError: the URL names no database.
    """
    return Conversations(ConversationStore(url), settings) if url else None
