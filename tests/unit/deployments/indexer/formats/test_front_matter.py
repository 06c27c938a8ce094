"""Fields above a Markdown text say what was written, and cost nothing."""

import time

import pytest

from deployments.indexer.formats.text.front_matter import read_front_matter
from tests.unit.deployments.indexer.files import read_one


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("00451", "00451"),
        ("7:45", "7:45"),
        ("2.10", "2.10"),
        ("2.5", 2.5),
        ("42", 42),
        ("-3", -3),
        ("'42'", "42"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1e5", "1e5"),
        ("+4", "+4"),
        (".5", ".5"),
        (".inf", ".inf"),
        ("nan", "nan"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("2031-07-09", "2031-07-09"),
        ("9" * 40, "9" * 40),
        ("!!int 7", "7"),
    ],
)
def test_value_is_what_was_written(written: str, value: object) -> None:
    metadata = read_one("a.md", f"---\nkey: {written}\n---\ntext").metadata
    assert metadata["key"] == value
    assert type(metadata["key"]) is type(value)


@pytest.mark.parametrize("title", ["1066", "yes", "12:30", "2031-07-09", "'007'", "0x10"])
def test_title_is_a_text_whatever_it_looks_like(title: str) -> None:
    assert read_one("a.md", f"---\ntitle: {title}\n---\ntext").title == title.strip("'")


def test_nested_fields_are_left_out_with_a_warning() -> None:
    document = read_one("a.md", "---\ntags: [a, b]\nby:\n  name: Ada\nkind: note\n---\ntext")
    assert document.metadata == {"kind": "note"}
    assert document.warnings == ("2 nested fields of the front matter were left out: tags, by.",)


@pytest.mark.parametrize(
    "block",
    ["just prose", "- a\n- b", "a: b: c", "[" * 5000, "? " * 5000, "{a: 1", "a: *b", "\ttab: 1"],
)
def test_block_that_is_no_mapping_never_raises(block: str) -> None:
    assert read_one("a.md", f"---\n{block}\n---\ntext").parts[0].text.endswith("text")


def test_aliases_and_merge_keys_are_not_followed() -> None:
    lines = ["m0: &m0 {k: v}"]
    for level in range(1, 12):
        copies = ", ".join([f"*m{level - 1}"] * 9)
        lines.append(f"m{level}: &m{level}\n  <<: [{copies}]\n  list: [{copies}]")
    start = time.process_time()
    matter = read_front_matter("---\n" + "\n".join(lines) + "\nkind: note\n---\ntext")
    assert time.process_time() - start < 0.5
    assert matter.fields == {"kind": "note"}


def test_title_with_a_colon_in_it_is_read() -> None:
    document = read_one("a.md", "---\ntitle: Harbours: a guide\nyear: 1931\n---\ntext")
    assert (document.title, document.metadata) == ("Harbours: a guide", {"year": 1931})
    assert document.parts[0].text == "text"


def test_toml_between_plus_signs_is_front_matter() -> None:
    document = read_one(
        "a.md",
        '+++\ntitle = "The pier"\nyear = 1931\nrate = 1.10\ndate = 2031-07-09\nopen = true\n'
        'tags = ["a", "b"]\n[by]\nname = "Ada"\n+++\ntext',
    )
    assert (document.title, document.parts[0].text) == ("The pier", "text")
    assert document.metadata == {"year": 1931, "rate": "1.10", "date": "2031-07-09", "open": True}
    assert document.warnings == ("2 nested fields of the front matter were left out: tags, by.",)


@pytest.mark.parametrize("block", ["just prose", "", "a = ", "[" * 5000, "a = " + "[" * 5000])
def test_block_that_is_no_toml_stays_text(block: str) -> None:
    text = f"+++\n{block}\n+++\ntext"
    assert read_one("a.md", text).parts[0].text == text
