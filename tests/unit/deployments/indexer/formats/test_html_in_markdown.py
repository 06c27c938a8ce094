"""HTML in Markdown is what its readers see of it, and code stays as it stands."""

import pytest

from tests.unit.deployments.indexer.files import read_one, read_text


def read(text: str) -> str:
    return "\n".join(line for line in read_text("a.md", text).split("\n") if line.strip())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("some 3 x 10<sup>8</sup> m/s", "some 3 x 10^8 m/s"),
        ("CO<sub>2</sub> and v<sub>max</sub>", "CO₂ and v_max"),
        ("press <kbd>Esc</kbd>, <b>then</b> <a href='q'>quit</a>", "press Esc, then quit"),
        ("a <img src=a.png alt='red lamp'> glows", "a red lamp glows"),
        ("| a | b |\n|---|---|\n| one<br>two | 7<sup>2</sup> |", "| one two | 7^2 |"),
        ("sails <!-- not at --> dawn", "sails  dawn"),
        ("cr&egrave;me &mdash; 5&nbsp;kg", "crème — 5\u00a0kg"),
    ],
)
def test_prose_is_what_it_shows(text: str, shown: str) -> None:
    assert read(text).split("\n")[-1] == shown


@pytest.mark.parametrize(
    "text",
    [
        "`10<sup>6</sup> &copy; <!-- c -->` and ``<b>`</b>``",
        "```html\n<p>10<sup>6</sup> &copy;</p>\n```",
        "~~~\n<!-- kept -->\n~~~",
        "Text\n\n    <table><tr><td>&copy;",
        "a `Map<K, V>`, Vec<T>, <name> and <https://e.org/a>, <me@e.org>",
        "1 < 2 > 0, a <- b, x<y",
        "if (0 <i && j> 3) and n <s * 2, s> 1 or p <q + 1> r",
        "an escaped \\<b> and \\<kbd>",
        "&lt;div&gt; &amp;copy; &#42;no&#42; &unknown;",
        "<Tabs>\nTwo",
    ],
)
def test_what_is_no_html_stays(text: str) -> None:
    assert read_text("a.md", text) == text


def test_blocks_are_markdown() -> None:
    page = """<!-- licence

of several lines -->
<h1 align="center">Lamp</h1>
<p align="center"><img src="x.svg" alt="Logo"></p>

<table>
<tr><th>Port</th><th>Use</th></tr>
<tr><td>9417</td><td>metrics</td></tr>
</table>

<details>
<summary>More</summary>

Inner **text**

</details>

<script>
track()
</script>
"""
    document = read_one("a.md", page)
    assert document.title == "Lamp"
    shown = [line for line in document.parts[0].text.split("\n") if line]
    assert shown == [
        *("# Lamp", "Logo", "| Port | Use |", "| --- | --- |", "| 9417 | metrics |"),
        *("More", "Inner **text**"),
    ]


def test_rows_that_an_empty_line_parts_from_their_table_are_rows() -> None:
    page = "<table>\n<tr><td>a</td><td>b</td></tr>\n\n<tr><td>c</td><td>d</td></tr>\n</table>"
    assert "| c | d |" in read(page)


def test_markdown_in_an_element_that_says_so_is_markdown() -> None:
    page = '<div class="grid" markdown>\n- one\n- two<sup>2</sup>\n</div>'
    assert read(page) == "- one\n- two^2"


def test_lines_of_old_machines_end_where_they_end() -> None:
    assert read("one<br>\r\n```\r\n<b>\r\n```\r\ntwo<br>").split() == [
        "one",
        "```",
        "<b>",
        "```",
        "two",
    ]


def test_front_matter_without_fields_is_none() -> None:
    assert read("---\n---\ntext") == "text"
