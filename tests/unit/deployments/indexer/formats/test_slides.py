"""What the slides of a presentation show, and what its speaker notes."""

import io

from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from deployments.indexer.formats.converted import ReadingOptions
from tests.unit.deployments.indexer.files import change_member, make_pptx, read_one


def save(presentation: object) -> bytes:
    file = io.BytesIO()
    presentation.save(file)  # type: ignore[attr-defined]
    return file.getvalue()


def test_slide_says_its_title_text_table_chart_and_notes() -> None:
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Harbour _dues_"
    box = slide.shapes.add_textbox(Inches(1), Inches(2), Inches(3), Inches(1)).text_frame
    box.text = "Area in m"
    raised = box.paragraphs[0].add_run()
    raised.text = "2"
    raised.font._element.set("baseline", "30000")
    table = slide.shapes.add_table(3, 2, Inches(1), Inches(3), Inches(4), Inches(1)).table
    for row, cells in enumerate((("Berth", "Due"), ("A", "40"), ("", "55"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    data = CategoryChartData()
    data.categories = ["May", "June"]
    data.add_series("Calls", (12, 17.5))
    frame = (Inches(1), Inches(5), Inches(3), Inches(2))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *frame, data)
    slide.notes_slide.notes_text_frame.text = "Say thanks."
    document = read_one("a.pptx", save(presentation))
    assert document.parts[0].text == (
        "# Harbour _dues_\n\nArea in m^2\n\n| Berth | Due |\n| --- | --- |\n| A | 40 |\n| A | 55 |"
        "\n\n|  | Calls |\n| --- | --- |\n| May | 12 |\n| June | 17.5 |\n\n### Notes\n\nSay thanks."
    )
    assert (document.title, document.markup) == ("Harbour _dues_", "markdown")


def test_groups_and_levels_are_read() -> None:
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    body = slide.placeholders[1].text_frame
    body.text = "outer"
    inner = body.add_paragraph()
    inner.text, inner.level = "inner", 1
    group = slide.shapes.add_group_shape()
    shape = group.shapes.add_textbox(Inches(1), Inches(4), Inches(1), Inches(1))
    shape.text_frame.text = "grouped"
    assert read_one("a.pptx", save(presentation)).parts[0].text == (
        "- outer\n    - inner\n\ngrouped"
    )


def test_hidden_slides_are_left_out_by_number() -> None:
    presentation = Presentation()
    for text in ("seen", "unseen"):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.placeholders[1].text = text
    slide._element.set("show", "0")
    document = read_one("a.pptx", save(presentation))
    assert [(part.page, part.text) for part in document.parts] == [(1, "seen")]
    assert document.warnings == ("1 hidden slide was left out: 2.",)
    every = read_one("a.pptx", save(presentation), options=ReadingOptions(hidden=True))
    assert [part.text for part in every.parts] == ["seen", "unseen"]


def test_slide_that_is_missing_costs_itself_alone() -> None:
    content = make_pptx(("One", "first"), ("Two", "second"))
    content = change_member(content, "ppt/_rels/presentation.xml.rels", "slide2.xml", "slide9.xml")
    document = read_one("a.pptx", content)
    assert [part.page for part in document.parts] == [1]
    assert document.warnings == ("1 damaged slide was left out: 2.",)
