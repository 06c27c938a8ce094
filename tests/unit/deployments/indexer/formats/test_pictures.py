"""Pictures that a text holds as base64 leave their descriptions."""

import pytest

from tests.unit.deployments.indexer.files import read_one

DATA = "data:image/png;base64," + "iVBORw0KGgo" * 60


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"See ![a tide gauge]({DATA}) there.", "See a tide gauge there."),
        (f'See ![gauge]({DATA} "title") there.', "See gauge there."),
        (f"See ![gauge](<{DATA}>) there.", "See gauge there."),
        (f"See ![gauge][p] there.\n\n[p]: {DATA}\n", "See gauge there."),
        (f"See ![Gauge] there.\n\n[gauge]: {DATA} 'x'", "See Gauge there."),
        (f'See <img width="3" src="{DATA}" alt="gauge"> there.', "See gauge there."),
        (f"See <img src='{DATA}'/> there.", "See  there."),
        (f"See [the file]({DATA}) there.", "See the file there."),
        (f"See {DATA} there.", "See  there."),
    ],
)
def test_picture_leaves_its_description(text: str, left: str) -> None:
    document = read_one("a.md", text)
    assert document.parts[0].text.strip() == left
    assert document.warnings == ("1 embedded picture was left out.",)


def test_records_lose_their_pictures_too() -> None:
    document = read_one("a.jsonl", f'{{"text": "See ![gauge]({DATA})."}}')
    assert document.parts[0].text == "See gauge."


@pytest.mark.parametrize(
    "text", ["![a](b.png) and `data:`", "[p]: http://a.b/c", "![x][y]", "The data: 5, 6 and 7."]
)
def test_other_pictures_stay(text: str) -> None:
    assert read_one("a.md", text).parts[0].text == text
