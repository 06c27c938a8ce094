"""Asking in a browser: an answer with what it rests on, by mouse and by keyboard."""

import re

import httpx
from playwright.sync_api import Page, expect

from tests.console.conftest import URL, ask, enter_key, take_picture

QUESTION = "What does Retry-After say?"


def test_an_answer_shows_what_it_rests_on(page: Page) -> None:
    page.goto(f"{URL}/console")
    ask(page, QUESTION)
    page.locator(".cited button").first.click()
    marked = page.locator(".sources mark").first
    expect(marked).to_be_visible()
    said = page.locator(".cited").first.inner_text()
    assert words(marked.inner_text()) <= words(said)
    assert len(words(marked.inner_text())) > 2
    page.locator(".waterfall summary").click()
    expect(page.locator(".waterfall")).to_contain_text("retriever")
    expect(page.locator(".facts").first).to_contain_text("minilm-extractive")
    take_picture(page, "ask")


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def test_a_thumb_is_kept(page: Page) -> None:
    page.goto(f"{URL}/console")
    ask(page, QUESTION)
    page.get_by_role("button", name="Bad answer").click()
    page.get_by_placeholder("Why, if you like").fill("Too long.")
    page.get_by_role("button", name="Say it").click()
    expect(page.get_by_role("status").filter(has_text="Kept.")).to_be_visible()


def test_what_is_not_there_is_explained(page: Page) -> None:
    page.goto(f"{URL}/console")
    ask(page, "Who won the football match in Lisbon in 1967?")
    expect(page.locator(".withheld")).to_contain_text("Why there is no answer")


def test_all_of_it_goes_by_the_keyboard(page: Page) -> None:
    page.goto(f"{URL}/console")
    page.get_by_label("Question").focus()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Control+Enter")
    page.locator(".waterfall").wait_for()
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''")
        if focused.startswith("Show source"):
            break
    page.keyboard.press("Enter")
    expect(page.locator(".sources mark").first).to_be_visible()


def test_the_same_by_curl_is_what_was_asked(page: Page) -> None:
    page.goto(f"{URL}/console")
    page.get_by_label("Question").fill("It's what?")
    page.locator(".code summary").first.click()
    text = page.locator(".code pre").first.inner_text()
    assert f"{URL}/v1/query" in text
    assert "It'\\''s what?" in text


def test_two_releases_answer_side_by_side(operator: Page) -> None:
    operator.get_by_label("Beside").select_option("brief")
    operator.get_by_label(re.compile("^Release")).select_option("minilm-extractive")
    operator.get_by_label("Question").fill(QUESTION)
    operator.get_by_role("button", name="Ask", exact=True).click()
    turn = operator.locator(".turn.two").first
    expect(turn.locator(".waterfall")).to_have_count(2)
    expect(turn.locator(".facts").nth(0)).to_contain_text("minilm-extractive")
    expect(turn.locator(".facts").nth(1)).to_contain_text("brief")
    take_picture(operator, "beside")


def test_a_wrong_key_is_named(page: Page) -> None:
    page.goto(f"{URL}/console#/rollout")
    expect(page.get_by_role("alert").first).to_contain_text("Enter a key")
    enter_key(page, "sk-not-a-key")
    expect(page.get_by_role("alert").first).to_contain_text("Enter a key that may")


def test_the_key_is_kept_for_the_tab_alone(operator: Page, operators_key: str) -> None:
    operator.goto(f"{URL}/console#/overview")
    expect(operator.get_by_role("cell", name="minilm-extractive").first).to_be_visible()
    assert operators_key not in operator.url
    assert operator.evaluate("Object.keys(localStorage).length") == 0
    assert operator.context.cookies() == []


def test_the_page_is_small_and_asks_nobody_else() -> None:
    page = httpx.get(f"{URL}/console")
    assert "unsafe" not in page.headers["content-security-policy"]


def test_the_chosen_way_to_search_is_asked_for(page: Page) -> None:
    page.goto(f"{URL}/console")
    page.get_by_label("Search").select_option("lexical")
    page.get_by_label("Question").fill(QUESTION)
    with page.expect_request("**/v1/query") as asked:
        page.get_by_role("button", name="Ask", exact=True).click()
    assert asked.value.post_data_json == {"query": QUESTION, "stream": True, "mode": "lexical"}
