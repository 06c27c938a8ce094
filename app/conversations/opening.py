"""Opens the conversations, in the database that keeps keys."""

from collections.abc import Callable, Mapping

from app.conversations.conversations import Conversations
from app.settings.access import AccessArgs
from app.settings.conversations import ConversationSettings
from app.storage.opening import DATABASE_URL_VARIABLE
from deployments.conversations.store import ConversationStore


def conversations_url(access: AccessArgs, environment: Mapping[str, str]) -> str:
    """Returns where conversations are kept; empty where nobody has named a database."""
    return access.database_url or environment.get(DATABASE_URL_VARIABLE, "").strip()


def open_conversations(
    url: str, settings: Callable[[], ConversationSettings]
) -> Conversations | None:
    """Returns what keeps conversations; None without a database. Nothing is connected yet.

    Args:
        url: See `conversations_url`.
        settings: Returns what holds at the moment.

    Raises:
        ConfigError: the URL names no database.
    """
    return Conversations(ConversationStore(url), settings) if url else None
