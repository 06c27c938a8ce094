"""The pages of operators in a browser: what happens, what was used, keys, and who changed what."""

import re
import uuid

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console.asking_meanwhile import asking
from tests.console.conftest import URL, take_picture


def test_the_last_minutes_are_seen_while_they_go_on(operator: Page) -> None:
    operator.goto(f"{URL}/console#/overview")
    with asking():
        tile = operator.locator(".tiles div", has_text="requests/s").locator("dd")
        expect(tile).not_to_have_text(re.compile("^0$"))
        before = float(tile.inner_text())
        # Of three users at once, one is under way whenever somebody looks.
        busy = operator.locator(".tiles div", has_text="under way").locator("dd")
        expect(busy).to_have_text(re.compile(r"^[1-9]\d* of \d+$"), timeout=60_000)
        expect(tile).not_to_have_text(str(before), timeout=60_000)
        take_picture(operator, "overview")
    stages = operator.get_by_role("row", name=re.compile("^retriever"))
    expect(stages.first).to_contain_text(re.compile(r"\d m?s"))
    replicas = operator.get_by_role("region", name="Replicas")
    expect(replicas.get_by_role("row", name=re.compile("Embedder"))).to_contain_text("1")
    expect(operator.get_by_role("region", name="Releases")).to_contain_text("100.0 %")


def test_links_lead_to_other_programs(operator: Page) -> None:
    operator.goto(f"{URL}/console#/overview")
    footer = operator.get_by_role("contentinfo")
    expect(footer.get_by_role("link", name="MLflow")).to_have_attribute(
        "href", re.compile("^http://127.0.0.1")
    )
    expect(footer.get_by_role("link", name="Grafana")).to_have_attribute(
        "href", "http://127.0.0.1:3000/d/ragserve"
    )


def choice(page: Page, label: str) -> Locator:
    return page.locator("label", has_text=re.compile(f"^{label}")).locator("select")


def test_usage_is_seen_by_day_and_release(operator: Page) -> None:
    operator.goto(f"{URL}/console#/usage")
    with asking(1):
        operator.wait_for_timeout(3000)
    operator.reload()
    sums = operator.get_by_role("region", name="Sums by release")
    expect(sums.get_by_role("row", name=re.compile("^minilm-extractive"))).to_be_visible()
    choice(operator, "By").select_option("key")
    expect(operator.get_by_role("region", name="Sums by key")).to_contain_text("without a key")
    choice(operator, "Plot").select_option("tokens")
    expect(operator.locator(".plot figcaption")).to_contain_text("Tokens by day and key")
    choice(operator, "Time").select_option("7")
    operator.locator(".plot summary").click()
    expect(operator.locator(".plot tbody tr")).to_have_count(7)
    take_picture(operator, "usage")


def test_drift_is_looked_for(operator: Page) -> None:
    operator.goto(f"{URL}/console#/usage")
    operator.get_by_role("button", name="Compare").click()
    # What was indexed just now has nothing before it to compare with.
    verdict = operator.locator(".card", has_text="score of the best passage")
    expect(verdict).to_contain_text("too little", timeout=120_000)


@pytest.fixture
def name() -> str:
    return f"page {uuid.uuid4().hex[:6]}"


def test_a_key_is_made_used_bounded_and_revoked(operator: Page, name: str) -> None:
    operator.goto(f"{URL}/console#/keys")
    operator.get_by_text("Make a key").click()
    operator.get_by_label("Name").fill(name)
    operator.get_by_label("Requests a minute").first.fill("60")
    operator.get_by_role("button", name="Make it").first.click()
    made = operator.get_by_role("region", name="The new key")
    secret = made.locator("code").inner_text()
    assert secret.startswith("rs_live_")
    operator.context.grant_permissions(["clipboard-read", "clipboard-write"])
    made.get_by_role("button", name="Copy the key").click()
    assert operator.evaluate("navigator.clipboard.readText()") == secret
    made.get_by_role("button", name="I have it").click()
    assert secret not in operator.content()

    asked = {"query": "What does Retry-After say?"}
    headers = {"Authorization": f"Bearer {secret}"}
    assert httpx.post(f"{URL}/v1/query", json=asked, headers=headers, timeout=30).is_success

    card = operator.get_by_role("article", name=f"Key {name}")
    rate = card.locator(".facts div", has_text="requests/min").locator("dd")
    expect(rate).to_have_text("60")
    card.get_by_role("button", name=f"Limits of {name}").click()
    card.get_by_label("Tokens a day").fill("5000")
    card.get_by_role("button", name="Set them").click()
    expect(card).to_contain_text("of 5,000 tokens")
    expect(rate).to_have_text("60")
    take_picture(operator, "keys")

    card.get_by_role("button", name=f"Revoke {name}").click()
    expect(card.get_by_role("button", name="Do it")).to_be_disabled()
    card.get_by_label("Type revoke to go on").fill("revoke")
    card.get_by_role("button", name="Do it").click()
    expect(card).to_have_count(0)
    operator.get_by_role("button", name="Show those that have ended").click()
    expect(card).to_contain_text("revoked")
    operator.wait_for_timeout(2500)
    refused = httpx.post(f"{URL}/v1/query", json=asked, headers=headers, timeout=30)
    assert refused.status_code == 401


def test_the_log_is_filtered_and_read_page_by_page(operator: Page, operators_key: str) -> None:
    headers = {"Authorization": f"Bearer {operators_key}"}
    with httpx.Client(base_url=URL, headers=headers, timeout=30) as client:
        for number in range(52):
            made = client.post("/admin/keys", json={"name": f"many {number}"}).json()
            client.delete(f"/admin/keys/{made['id']}")
    operator.goto(f"{URL}/console#/audit")
    rows = operator.get_by_role("region", name="Entries").locator("tbody tr")
    expect(rows).to_have_count(50)
    numbers = [int(text) for text in rows.locator("td:first-child").all_inner_texts()]
    assert numbers == sorted(numbers, reverse=True)
    operator.get_by_label("Action").fill("key.revoke")
    operator.get_by_role("button", name="Look for it").click()
    expect(rows.first).to_contain_text("key.revoke")
    expect(rows.filter(has_text="key.create")).to_have_count(0)
    operator.get_by_role("button", name="Show older ones").click()
    expect(rows.nth(50)).to_be_visible()
    operator.get_by_role("button", name="Is the log as it was written?").click()
    expect(operator.get_by_text(re.compile("All .* entries are"))).to_be_visible()
    take_picture(operator, "audit")


@pytest.mark.parametrize("page_name", ["overview", "keys", "audit", "usage"])
def test_without_a_key_it_is_said_what_is_missing(page: Page, page_name: str) -> None:
    page.goto(f"{URL}/console#/{page_name}")
    expect(page.get_by_role("alert").first).to_contain_text("Enter a key")


def test_the_pages_of_operators_go_by_the_keyboard(operator: Page) -> None:
    operator.goto(f"{URL}/console#/keys")
    operator.get_by_text("Make a key").focus()
    operator.keyboard.press("Enter")
    operator.keyboard.press("Tab")
    operator.keyboard.type("by keyboard")
    expect(operator.get_by_label("Name")).to_have_value("by keyboard")
    operator.get_by_role("link", name="Audit").focus()
    operator.keyboard.press("Enter")
    expect(operator.get_by_role("heading", name="Audit")).to_be_visible()


def test_nothing_is_asked_while_the_page_is_hidden(operator: Page) -> None:
    operator.goto(f"{URL}/console#/overview")
    operator.locator(".tiles").wait_for()
    # As the browser does when another tab is in front.
    operator.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true})"
    )
    operator.wait_for_timeout(6000)
    asked: list[str] = []
    operator.on("request", lambda request: asked.append(request.url))
    operator.wait_for_timeout(12_000)
    assert asked == []
    operator.evaluate(
        "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))"
    )
    with operator.expect_request("**/admin/overview*"):
        pass
