"""Public list prices of common models, for those that the settings name no price for.

In US dollars for a million tokens: prompt, cached part of the prompt where it has a price of its
own that could be confirmed, completion. They are standard rates, without discounts for batches.

Source: the public price pages of OpenAI (developers.openai.com/api/docs/pricing), Anthropic
(platform.claude.com/docs, pricing) and Google (ai.google.dev/gemini-api/docs/pricing), as quoted in
the month of the version.
"""

from collections.abc import Mapping

LIST_PRICES_VERSION = "list-2026-06"
"""Said beside what was reckoned by them; changed with every price."""

LIST_PRICES: Mapping[str, tuple[float, float | None, float]] = {
    "extractive": (0.0, None, 0.0),
    "gpt-4o": (2.5, 1.25, 10.0),
    "gpt-4o-mini": (0.15, 0.075, 0.6),
    "gpt-4.1": (2.0, None, 8.0),
    "gpt-4.1-mini": (0.4, None, 1.6),
    "gpt-4.1-nano": (0.1, None, 0.4),
    "gpt-5": (1.25, None, 10.0),
    "gpt-5-mini": (0.25, None, 2.0),
    "gpt-5-nano": (0.05, None, 0.4),
    "o3": (2.0, None, 8.0),
    "o4-mini": (1.1, None, 4.4),
    "text-embedding-3-small": (0.02, None, 0.0),
    "text-embedding-3-large": (0.13, None, 0.0),
    "claude-opus-4-1": (15.0, 1.5, 75.0),
    "claude-sonnet-4-6": (3.0, 0.3, 15.0),
    "gemini-2.5-flash": (0.3, None, 2.5),
}
"""By the model's name as answers say it; the extractive generator costs nothing."""
