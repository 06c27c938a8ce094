"""The console on small screens, in the dark, and by the rules of axe for who sees otherwise."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.console.conftest import URL, ask, take_picture

PAGES = ("ask", "rollout", "documents", "overview", "usage", "keys", "audit")


def open_page(page: Page, name: str) -> None:
    page.goto(f"{URL}/console#/{name}")
    page.locator("main h1").wait_for()
    if name == "ask":
        ask(page, "What does Retry-After say?")
        page.locator("details").evaluate_all("all => all.forEach(one => (one.open = true))")
    if name == "documents":
        page.get_by_role("button", name="Chunks of docs/api.md").click()
    if name == "keys":
        page.get_by_text("Make a key").click()
    page.wait_for_timeout(1500)
    if name != "rollout":
        page.locator(".plot details").evaluate_all("all => all.forEach(one => (one.open = true))")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(operator: Page, name: str, scheme: str) -> None:
    operator.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    open_page(operator, name)
    found = Axe().run(operator)
    take_picture(operator, f"{name}-{scheme}")
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", PAGES)
def test_it_fits_a_telephone(operator: Page, name: str) -> None:
    operator.set_viewport_size({"width": 360, "height": 720})
    open_page(operator, name)
    width = operator.evaluate("document.scrollingElement.scrollWidth")
    take_picture(operator, f"{name}-360")
    assert width <= 360


def test_it_is_there_at_once(page: Page) -> None:
    page.goto(f"{URL}/console", wait_until="load")
    page.goto(f"{URL}/console", wait_until="load")
    painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    paint_ms = page.wait_for_function(painted).json_value()
    sent = page.evaluate(
        "performance.getEntriesByType('resource')"
        ".reduce((sum, one) => sum + one.encodedBodySize, 0)"
    )
    assert 0 < paint_ms < 1000
    assert 0 < sent < 150_000
