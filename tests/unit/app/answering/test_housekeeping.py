"""Which prompts chat programs write by themselves, and what they get without a language model."""

import json

import pytest

from app.answering.housekeeping import housekeeping_kind, reply_without_a_model
from app.settings.live.housekeeping import USUAL, HousekeepingRule
from deployments.contracts.generation import Message, Role

HISTORY = """
### Chat History:
<chat_history>
USER: How long is a lease valid, and who renews it for us?
ASSISTANT: A lease holds for a day [1].
</chat_history>"""
TITLE = (
    "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.\n"
    '### Output:\nJSON format: { "title": "your concise title here" }' + HISTORY
)
TAGS = (
    "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history, along "
    "with 1-3 more specific subtopic tags." + HISTORY
)
FOLLOW_UPS = (
    "### Task:\nSuggest 3-5 relevant follow-up questions or prompts that the user might naturally "
    "ask next." + HISTORY
)
QUERIES = (
    "### Task:\nAnalyze the chat history to determine the necessity of generating search queries, "
    "in the given language." + HISTORY
)
PLAIN_TITLE = (
    "Provide a concise, 5-word-or-less title for the conversation, using title case conventions. "
    "Only return the title itself.\n\nConversation:\nUser: What does a lease cost?\nAI: Nothing."
)


def said(text: str, role: Role = "user") -> Message:
    return Message(role, text)


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        (TITLE, "title"),
        (TITLE.upper(), "title"),
        (TITLE.replace("\n", "\r\n  "), "title"),
        (TAGS, "tags"),
        (FOLLOW_UPS, "follow_ups"),
        (QUERIES, "queries"),
        (PLAIN_TITLE, "title"),
        ("### Task:\nYou are an autocompletion system. Continue the text.", "other"),
        ("Based on the chat history, give this conversation a name. Keep it short.", "title"),
    ],
)
def test_what_a_program_asks_for_is_known(prompt: str, kind: str) -> None:
    assert housekeeping_kind([said(prompt)], USUAL) == kind


def test_instructions_before_the_conversation_are_looked_at_too() -> None:
    messages = [said(PLAIN_TITLE, "system"), said("User: What does a lease cost?")]
    assert housekeeping_kind(messages, USUAL) == "title"


@pytest.mark.parametrize(
    "question",
    [
        "What is a concise title for a chat?",
        "How are tags generated, and what is the task of a search query?",
        "### Task: how is a lease renewed?",
        "Who gives this conversation a name?",
        "How do I turn off the prompt that follows? " + "word " * 300 + TITLE,
    ],
)
def test_what_a_user_asks_is_a_question(question: str) -> None:
    assert housekeeping_kind([said(question)], USUAL) is None


def test_later_in_a_conversation_such_a_prompt_is_a_question() -> None:
    messages = [said("What is this?"), said("A lease.", "assistant"), said(TITLE)]
    assert housekeeping_kind(messages, USUAL) is None


def test_rules_are_a_setting() -> None:
    rule = HousekeepingRule(kind="tags", phrases=("Label this dialogue",))
    assert housekeeping_kind([said("label  this dialogue: hi")], [rule]) == "tags"
    assert housekeeping_kind([said(TITLE)], []) is None
    assert housekeeping_kind([], USUAL) is None


def test_without_a_model_a_title_is_how_the_conversation_began() -> None:
    found = json.loads(reply_without_a_model("title", [said(TITLE)]))
    assert found == {"title": "How long is a lease valid"}
    assert reply_without_a_model("title", [said(PLAIN_TITLE)]) == "What does a lease cost"
    assert reply_without_a_model("title", [said("Name this.")]) == "Conversation"
    long = reply_without_a_model("title", [said("User: " + "x" * 500)])
    assert len(long) == 60


def test_without_a_model_lists_are_empty() -> None:
    assert json.loads(reply_without_a_model("tags", [said(TAGS)])) == {"tags": []}
    assert json.loads(reply_without_a_model("follow_ups", [said(FOLLOW_UPS)])) == {"follow_ups": []}
    assert json.loads(reply_without_a_model("queries", [said(QUERIES)])) == {"queries": []}
    assert reply_without_a_model("other", [said("Go on")]) == ""
