"""What a web page says to whoever opens it, and nothing of how it was written."""

import pytest

from tests.unit.deployments.indexer.files import read_one, read_text


def read(page: str) -> str:
    return read_text("a.html", page)


@pytest.mark.parametrize(
    "page",
    [
        "<html><head><title>Ferry</title><body><p>The ferry sails at dawn.",
        "<head><meta charset=utf-8><title>Ferry</title><p>The ferry sails at dawn.</p>",
        "<!doctype html><title>Ferry</title>The ferry sails at dawn.",
    ],
)
def test_tags_that_the_standard_lets_one_leave_out_lose_nothing(page: str) -> None:
    document = read_one("a.html", page)
    assert document.title == "Ferry"
    assert document.parts[0].text == "The ferry sails at dawn."


@pytest.mark.parametrize(
    "tag",
    [
        *("address", "aside", "footer", "form", "fieldset", "legend", "label", "button", "option"),
        *("summary", "center", "textarea", "dt", "dd", "figcaption", "section", "div", "li"),
        *("article", "header", "details", "blockquote", "h3", "optgroup", "dl"),
    ],
)
def test_blocks_are_never_glued(tag: str) -> None:
    page = f"<{tag}>alpha</{tag}><{tag}>beta</{tag}>"
    if tag == "optgroup":
        page = "<select><optgroup><option>alpha</optgroup><optgroup><option>beta</select>"
    words = read(f"<p>before</p>{page}<p>after").split()
    assert [word for word in words if word.isalpha()] == ["before", "alpha", "beta", "after"]


@pytest.mark.parametrize("tag", ["b", "i", "em", "span", "a", "font", "mark", "u", "small"])
def test_inline_elements_do_not_cut_words_and_leave_no_marks(tag: str) -> None:
    assert read(f"<p>light<{tag} title='no' href='no'>house</{tag}>s shine") == "lighthouses shine"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("some 3 x 10<sup>8</sup> m/s", "some 3 x 10^8 m/s"),
        ("2<sup>-16</sup> and e<sup>i + 1</sup>", "2^-16 and e^(i + 1)"),
        ("101<sub>2</sub> is 5", "101₂ is 5"),
        ("H<sub>2</sub>SO<sub>4</sub>", "H₂SO₄"),
        ("v<sub>max</sub> of 7", "v_max of 7"),
        ("the 21<sup>st</sup> day", "the 21st day"),
        ("said so<sup>[4]</sup>.", "said so[4]."),
        ("<math><msup><mi>a</mi><mn>12</mn></msup></math>", "a^12"),
        ("<math><mfrac><mn>3</mn><mn>4</mn></mfrac></math> cup", "3/4 cup"),
    ],
)
def test_raised_and_lowered_signs_stay_apart(page: str, text: str) -> None:
    assert read(f"<p>{page}</p>") == text


def test_names_with_signs_of_markdown_stay_as_they_are() -> None:
    page = "<p>Set retry_after_s and call close_all() or *args, [x](y) and 2*3*4.</p>"
    assert read(page) == "Set retry_after_s and call close_all() or *args, [x](y) and 2*3*4."


def test_line_that_would_open_a_block_is_none() -> None:
    assert read("<p># of beds: 4</p><p>---</p>") == "\\# of beds: 4\n\n\\---"
    assert read("<h2>A\nB</h2><h3></h3><h2>Only a heading</h2>") == "## A B\n\n## Only a heading"


def test_cells_that_cover_rows_and_columns_are_said_in_each() -> None:
    page = (
        "<table><tr><th>Pier<th colspan=2>Hours<tr><td rowspan=2>West<td>early<td>Ada"
        "<tr><td>late<td>Bo<tr><td colspan=3>closed in May</table>"
    )
    assert read(page).split("\n") == [
        "| Pier | Hours | Hours |",
        "| --- | --- | --- |",
        "| West | early | Ada |",
        "| West | late | Bo |",
        "| closed in May |  |  |",
    ]


def test_table_that_lays_a_page_out_is_read_as_its_content() -> None:
    page = "<table><tr><td><h1>Shop</h1><td><table><tr><th>a<th>b<tr><td>1<td>2</table></table>"
    assert read(page) == "# Shop\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_lists_keep_their_numbers_and_their_depth() -> None:
    page = "<ol start=4><li>four<ul><li>inner<p>more</ul><li value=9>nine</ol><ol type=A><li>x</ol>"
    assert read(page) == "4. four\n    - inner\n      more\n9. nine\n\nA. x"


def test_code_stays_whole_in_a_fence_that_it_cannot_close() -> None:
    page = "<pre><code class='language-py'>if x:\n    y = '```'\n</code></pre>"
    assert read(page) == "````py\nif x:\n    y = '```'\n````"
    assert read("<p>call <code>__init__</code> of <code>List&lt;int&gt;</code>") == (
        "call `__init__` of `List<int>`"
    )


def test_what_is_not_shown_is_left_out_with_a_warning() -> None:
    page = (
        "<nav>menu</nav><p hidden>draft</p><p style='display:none'>bait</p><script>x</script>"
        "<template>t</template><noscript>n</noscript><p>Seen</p><div hidden role=tabpanel>Tab</div>"
    )
    document = read_one("a.html", page)
    assert document.parts[0].text == "Seen\n\nTab"
    assert document.warnings == ("2 hidden elements were left out.",)


def test_picture_leaves_its_description_only() -> None:
    page = "<p>See <img src='data:image/png;base64,AAAA' title='no' alt='the red buoy'></p>"
    assert read(page) == "See the red buoy"


@pytest.mark.parametrize("declared", ["utf-8", "shift_jis", "nonsense"])
def test_declaration_that_lies_is_not_believed(declared: str) -> None:
    page = f"<meta charset={declared}><p>Die Möwe fängt große Fische über der Brücke.</p>"
    assert read_text("a.html", page.encode("cp1252")).startswith("Die Möwe fängt große Fische")
    legacy = page.replace(declared, "windows-1251").encode()
    assert read_text("a.html", legacy).startswith("Die Möwe")


def test_declaration_that_holds_is_believed() -> None:
    page = "<?xml version='1.0' encoding='iso-8859-2'?><p>Łódka płynie.</p>"
    assert read_text("a.xhtml", page.encode("iso-8859-2")) == "Łódka płynie."


def test_struck_text_is_not_glued_to_what_replaces_it() -> None:
    assert read("<p>the <del>90</del><ins>70</ins> crowns</p>") == "the ~~90~~ 70 crowns"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<dl><dt>Berth<dd>seven<dt>Draught:<dd>4 m</dl>", "Berth: seven\n\nDraught: 4 m"),
        ("<dl><dt>Tug<dt>Pilot<dd>on call</dl>", "Tug, Pilot: on call"),
        ("<dl><dt>May I moor?<dd>By day.</dl>", "May I moor?\n\nBy day."),
        ("<dl><dt>Berth<dd><p>seven<p>or eight</dl>", "Berth: seven\n\nor eight"),
        ("<dl><dt>Tools<dd><ul><li>rope</ul></dl>", "Tools\n\n- rope"),
        ("<dl><dt>moor()<dd></dd><dt>sail()<dd>Sails.</dl>", "moor()\n\nsail(): Sails."),
        ("<dl><dt>moor()<dd hidden>x<dt>sail()<dd>Sails.</dl>", "moor()\n\nsail(): Sails."),
        ("<dl><dt>Alone</dl><p>Another matter", "Alone\n\nAnother matter"),
        ("<dl><dt>mooring<dd><pre>moor(7)</pre></dl>", "mooring\n\n```\nmoor(7)\n```"),
        ("<dl><dt>Quay<dd><dl><dt>North<dd>9</dl></dl>", "Quay\n\nNorth: 9"),
        ("<ul><li><dl><dt>Berth<dd>seven</dl></ul>", "- Berth: seven"),
    ],
)
def test_a_definition_is_said_with_its_term(page: str, text: str) -> None:
    assert read(page) == text


def test_a_list_that_counts_backwards_ends_with_one() -> None:
    assert read("<ol reversed><li>dusk<li>noon<li>dawn</ol>") == "3. dusk\n2. noon\n1. dawn"


def test_fields_of_a_form_show_what_stands_in_them() -> None:
    page = "<input value=Oslo><input type=password value=pw><input type=hidden value=token>"
    assert read(page + "<input type=submit value='Set sail'>") == "Oslo\n\nSet sail"


def test_labels_of_a_drawing_are_read_and_what_describes_it_is_not() -> None:
    page = """<p>See <svg><title>icon</title><style>.a{}</style><text>Gate<tspan>way</tspan></text>
    <g><foreignObject><div>Retriever</div></foreignObject></g></svg></p>"""
    assert read(page).split() == ["See", "Gate", "way", "Retriever"]


def test_xhtml_closes_elements_where_it_opens_them() -> None:
    page = """<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/>
    <script src="a.js"/></head><body><a id="x"/><p>The ferry<br/>sails</p>
    <p><![CDATA[at < dawn]]></p></body></html>"""
    assert read_text("a.xhtml", page) == "The ferry\nsails\n\nat < dawn"
