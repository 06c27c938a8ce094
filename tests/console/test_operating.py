"""Documents and rollouts in a browser."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import URL, take_picture


def test_a_file_is_put_in_found_and_taken_out(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "heliograph.md"
    file.write_text("# Heliographs\n\nA heliograph sends signals by flashes of sunlight.\n")
    page.goto(f"{URL}/console#/documents")
    page.get_by_label("Put files in").set_input_files(file)
    expect(page.locator(".uploads li")).to_contain_text("added")
    page.get_by_label("Look for a path").fill("heliograph")
    while page.get_by_role("button", name="Show more").is_visible():
        page.get_by_role("button", name="Show more").click()
        page.wait_for_timeout(300)
    row = page.get_by_role("row", name="heliograph.md")
    expect(row).to_be_visible()
    take_picture(page, "documents")
    row.get_by_role("button", name="Delete").click()
    do_it = page.get_by_role("button", name="Do it")
    expect(do_it).to_be_disabled()
    page.get_by_label("Type delete to go on").fill("delete")
    do_it.click()
    expect(row).to_have_count(0)


def test_a_file_that_cannot_be_read_says_why(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "broken.pdf"
    file.write_bytes(b"%PDF-1.7 nothing of it")
    page.goto(f"{URL}/console#/documents")
    page.get_by_label("Put files in").set_input_files(file)
    expect(page.locator(".uploads li")).to_contain_text("failed")
    expect(page.locator(".uploads li .note").first).not_to_be_empty()


@pytest.fixture
def load() -> Iterator[None]:
    """Somebody who asks again and again meanwhile."""
    is_over = threading.Event()

    def run(number: int) -> None:
        with httpx.Client(base_url=URL, timeout=30) as client:
            at = 0
            while not is_over.is_set():
                at += 1
                body = {"query": "What does Retry-After say?", "user": f"user-{number}-{at}"}
                client.post("/v1/query", json=body)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    yield
    is_over.set()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("load")
def test_a_rollout_is_started_watched_and_aborted(operator: Page) -> None:
    operator.goto(f"{URL}/console#/rollout")
    operator.get_by_text("Start a rollout").click()
    operator.get_by_label("Release to try").select_option("brief")
    operator.get_by_label("Stages, in percent").fill("50")
    operator.get_by_role("button", name="Start it").click()
    rollout = operator.get_by_role("region", name="Rollout of brief")
    expect(rollout).to_contain_text("running")
    picture = rollout.locator(".sequence .band").first
    picture.wait_for(state="attached", timeout=120_000)
    before = picture.get_attribute("points")
    operator.wait_for_function(
        "before => document.querySelector('.sequence .band').getAttribute('points') !== before",
        arg=before,
        timeout=60_000,
    )
    operator.wait_for_timeout(10_000)
    take_picture(operator, "rollout")
    rollout.get_by_role("button", name="abort").click()
    rollout.get_by_label("Why, for the record").fill("seen enough")
    rollout.get_by_label("Type abort to go on").fill("abort")
    rollout.get_by_role("button", name="Do it").click()
    expect(rollout).to_contain_text("rolled back")
    expect(rollout).to_contain_text("seen enough")
