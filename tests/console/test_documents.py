"""Documents and their collections in a browser."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.console.conftest import URL, take_picture


def test_a_file_is_put_in_found_and_taken_out(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "heliograph.md"
    file.write_text("# Heliographs\n\nA heliograph sends signals by flashes of sunlight.\n")
    page.goto(f"{URL}/console#/documents")
    page.get_by_label("Put files in").set_input_files(file)
    expect(page.locator(".uploads li")).to_contain_text("added")
    page.get_by_label("Search for a path").fill("HELIOgraph")
    expect(page.get_by_role("status").filter(has_text="1 found")).to_be_visible()
    row = page.get_by_role("row", name="heliograph.md")
    row.get_by_role("button", name="Chunks of heliograph.md").click()
    chunk = page.get_by_role("list", name="Chunks of heliograph.md")
    expect(chunk).to_contain_text("flashes of sunlight")
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


def test_a_long_document_is_seen_chunk_by_chunk(page: Page) -> None:
    page.goto(f"{URL}/console#/documents")
    page.get_by_label("Search for a path").fill("docs/api.md")
    page.get_by_role("button", name="Chunks of docs/api.md").click()
    chunks = page.get_by_role("list", name="Chunks of docs/api.md")
    expect(chunks.locator("> li")).to_have_count(20)
    page.get_by_role("button", name="More chunks").click()
    expect(chunks.locator("> li").nth(20)).to_be_visible()
    take_picture(page, "chunks")


def test_what_is_not_there_is_not_found(page: Page) -> None:
    page.goto(f"{URL}/console#/documents")
    page.get_by_label("Search for a path").fill("no such thing")
    expect(page.get_by_text("Nothing has that in its path")).to_be_visible()


def test_a_collection_is_calibrated(operator: Page) -> None:
    operator.goto(f"{URL}/console#/documents")
    collection = operator.get_by_role("article", name="Collection of retrieval-minilm")
    collection.get_by_role("button", name="Calibrate").click()
    expect(collection.get_by_role("status")).to_have_text("It was calibrated.", timeout=240_000)
    expect(collection.locator(".outcome")).to_have_text("ok")
    expect(collection).to_contain_text("own questions kept")
