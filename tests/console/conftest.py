"""A browser in front of the running service. Run by `make test-console`, in an environment of its
own."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

URL = os.environ.get("RAGSERVE_URL", "http://127.0.0.1:8000").rstrip("/")
HOME = Path(os.environ.get("RAGSERVE_HOME", ".ragserve"))
PICTURES = Path(__file__).parent / "pictures"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def operators_key() -> str:
    return (HOME / "admin_key").read_text().strip()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        pytest.skip("there is no Chromium: `apt install chromium`")
    with sync_playwright() as playwright:
        # Without its sandbox, which root may not have: it sees this service alone.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of the console; the test fails where anything is asked of another host, a script
    breaks, or the browser has to say something."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    told: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith(URL):
            told.append(f"asked {request.url}")

    page.on("request", asked)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("console", lambda message: told.append(f"{message.type}: {message.text}"))
    yield page
    context.close()
    # The browser tells of each answer that is no success; what the page makes of it is tested.
    assert [one for one in told if "status of 4" not in one] == []


@pytest.fixture
def operator(page: Page, operators_key: str) -> Page:
    """A page with the operators' key."""
    page.goto(f"{URL}/console")
    enter_key(page, operators_key)
    return page


def enter_key(page: Page, key: str) -> None:
    page.get_by_role("button", name="Key").click()
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Use it").click()


def ask(page: Page, question: str) -> None:
    """Asks, and waits for the end of the answer."""
    page.get_by_label("Question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator(".turn", has_text=question).locator(".waterfall").wait_for()


def take_picture(page: Page, name: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")
