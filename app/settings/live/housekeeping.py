"""How the prompts are known by which chat programs ask for titles, tags and the like: they are sent
like questions, and nobody asked them."""

from typing import Annotated, Literal

from pydantic import Field

from deployments.settings import Settings

HousekeepingKind = Literal["title", "tags", "follow_ups", "queries", "other"]
Phrase = Annotated[str, Field(min_length=8, max_length=256)]


class HousekeepingRule(Settings):
    """A kind of such prompts, and what it is known by."""

    kind: HousekeepingKind
    """What is asked for: a title or tags of a conversation, questions that may follow, searches
    that may help, or something else."""

    phrases: tuple[Phrase, ...] = Field(min_length=1, max_length=8)
    """All of them stand near the beginning of the prompt, in capitals or not."""


USUAL = (
    # Source: Open WebUI, backend/open_webui/config.py, its prompt templates as of 0.6.
    HousekeepingRule(kind="title", phrases=("### task:", "word title with", "the chat history")),
    HousekeepingRule(kind="tags", phrases=("### task:", "broad tags categorizing")),
    HousekeepingRule(kind="follow_ups", phrases=("### task:", "relevant follow-up questions")),
    HousekeepingRule(kind="queries", phrases=("### task:", "necessity of generating search")),
    HousekeepingRule(kind="other", phrases=("### task:", "you are an autocompletion system")),
    HousekeepingRule(kind="other", phrases=("### task:", "for an image generation task")),
    HousekeepingRule(kind="other", phrases=("facial expression through a fitting emoji",)),
    # Source: LibreChat's @librechat/agents, src/utils/title.ts, and its older title instruction.
    HousekeepingRule(kind="title", phrases=("5-word-or-less title for the conversation",)),
    HousekeepingRule(kind="title", phrases=("concise title in the detected language",)),
    # Source: Chatbox, its prompt for naming a conversation.
    HousekeepingRule(kind="title", phrases=("based on the chat history, give this conversation",)),
)
"""Of programs that many people use; each has two phrases or a long one, so that a question about
titles is a question."""
