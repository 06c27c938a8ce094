"""Opens the conversations, in the database that keeps keys."""

from collections.abc import Callable, Mapping

from app.conversations.conversations import Conversations
from app.settings.live.conversations import ConversationSettings
from deployments.conversations.store import ConversationStore


def open_conversations(
    url: str,
    settings: Callable[[], ConversationSettings],
    *,
    days_of_tenants: Callable[[], Mapping[str, float]] | None = None,
) -> Conversations | None:
    """Returns what keeps conversations; None without a database. Nothing is connected yet.

    Args:
        url: See `named_database`.
        settings: Returns what holds at the moment.
        days_of_tenants: Returns after how many days those of a tenant go, where it says that; it
            blocks. None where there are no tenants.

    Raises:
        ConfigError: the URL names no database.
    """
    if not url:
        return None
    return Conversations(ConversationStore(url), settings, days_of_tenants=days_of_tenants)
