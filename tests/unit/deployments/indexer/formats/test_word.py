"""What the pages of a Word document show, whatever wraps it."""

import io
import zipfile

import pytest

from deployments.indexer.formats.converted import ReadingOptions
from tests.unit.deployments.indexer.files import (
    change_member,
    make_docx,
    paragraph,
    read_one,
    read_text,
    run,
)

_FIELD = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
_CODE = "<w:r><w:instrText> REF berth \\h </w:instrText></w:r>"


@pytest.mark.parametrize(
    "inside",
    [
        f'<w:fldSimple w:instr=" DOCPROPERTY x ">{run("ninety")}</w:fldSimple>',
        _FIELD.format("begin") + _CODE + _FIELD.format("separate") + run("ninety")
        + _FIELD.format("end"),
        f"<w:ins>{run('ninety')}</w:ins>",
        f"<w:moveTo>{run('ninety')}</w:moveTo>",
        f'<w:dir w:val="rtl">{run("ninety")}</w:dir>',
        f'<w:bdo w:val="ltr">{run("ninety")}</w:bdo>',
        f"<w:customXml>{run('ninety')}</w:customXml>",
        f"<w:smartTag>{run('ninety')}</w:smartTag>",
        f"<w:hyperlink>{run('ninety')}</w:hyperlink>",
        f"<w:sdt><w:sdtPr/><w:sdtContent>{run('ninety')}</w:sdtContent></w:sdt>",
        f"<w:del><w:r><w:delText>eleven</w:delText></w:r></w:del>{run('ninety')}",
        f"<w:moveFrom>{run('eleven')}</w:moveFrom>{run('ninety')}",
        f"<w:r><w:ruby><w:rt>{run('eleven')}</w:rt><w:rubyBase>{run('ninety')}</w:rubyBase>"
        "</w:ruby></w:r>",
        f"{run('nine')}<w:r><w:softHyphen/></w:r>{run('ty')}",
        f"{run('nine', properties='<w:b/>')}{run('ty')}",
    ],
)  # fmt: skip
def test_text_is_read_once_whatever_wraps_it(inside: str) -> None:
    body = f"<w:p>{run('The fee is ')}{inside}{run(' crowns.')}</w:p>"
    assert read_text("a.docx", make_docx(body)) == "The fee is ninety crowns."


def test_field_may_go_over_paragraphs() -> None:
    body = f"<w:p>{_FIELD.format('begin')}{_CODE}</w:p><w:p>{_CODE}{_FIELD.format('separate')}"
    body += f"{run('shown')}</w:p><w:p>{_FIELD.format('end')}{run('after')}</w:p>"
    assert read_text("a.docx", make_docx(body)) == "shown\n\nafter"


def test_moved_paragraph_is_read_where_it_is_now() -> None:
    gone = f"<w:p><w:moveFrom>{run('The buoy is red.')}</w:moveFrom></w:p>"
    here = f"<w:p><w:moveTo>{run('The buoy is red.')}</w:moveTo></w:p>"
    assert read_text("a.docx", make_docx(gone + paragraph("Line.") + here)) == (
        "Line.\n\nThe buoy is red."
    )


def test_paragraph_whose_end_was_deleted_goes_on_in_the_next() -> None:
    first = paragraph("The pilot boards", properties="<w:rPr><w:del/></w:rPr>")
    assert read_text("a.docx", make_docx(first + paragraph(" at noon."))) == (
        "The pilot boards at noon."
    )


def test_text_box_is_read_once_after_its_paragraph() -> None:
    box = f"<w:txbxContent>{paragraph('Mind the step.')}</w:txbxContent>"
    both = (
        f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing>{box}</w:drawing>"
        f"</mc:Choice><mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    assert read_text("a.docx", make_docx(f"<w:p>{run('Gate 3')}{both}</w:p>")) == (
        "Gate 3\n\nMind the step."
    )


def test_notes_stand_after_the_paragraph_that_marks_them() -> None:
    body = f"<w:p>{run('The tide turns')}<w:r><w:footnoteReference w:id='2'/></w:r></w:p>"
    note = f"<w:footnote w:id='2'>{paragraph('At six.')}</w:footnote>"
    line = f"<w:footnote w:type='separator' w:id='0'>{paragraph('-')}</w:footnote>"
    assert read_text("a.docx", make_docx(body + paragraph("End."), footnotes=line + note)) == (
        "The tide turns[^2]\n\n[^2]: At six.\n\nEnd."
    )


def test_comments_are_left_out_unless_they_are_asked_for() -> None:
    comments = f"<w:comment w:id='1'>{paragraph('Really?')}</w:comment>"
    content = make_docx(paragraph("Yes."), comments=comments)
    assert read_one("a.docx", content).warnings == ("1 comment was left out.",)
    asked = read_one("a.docx", content, options=ReadingOptions(comments=True))
    assert asked.parts[0].text == "Yes.\n\n## Comments\n\nReally?"
    assert asked.warnings == ()


def test_hidden_text_is_left_out_with_a_warning() -> None:
    body = f"<w:p>{run('Seen')}{run(' unseen', properties='<w:vanish/>')}</w:p>"
    document = read_one("a.docx", make_docx(body))
    assert document.parts[0].text == "Seen"
    assert document.warnings == ("1 piece of hidden text was left out.",)


def test_headings_and_items_have_the_numbers_that_the_page_shows() -> None:
    level = (
        '<w:lvl w:ilvl="{0}"><w:start w:val="{3}"/><w:numFmt w:val="{1}"/>'
        '<w:lvlText w:val="{2}"/></w:lvl>'
    )
    levels = level.format(0, "decimal", "%1", 1) + level.format(1, "decimal", "%1.%2", 1)
    letters = level.format(0, "lowerLetter", "%1)", 3) + level.format(1, "bullet", "•", 1)
    numbering = (
        f'<w:abstractNum w:abstractNumId="1">{levels}</w:abstractNum>'
        f'<w:abstractNum w:abstractNumId="2">{letters}</w:abstractNum>'
        '<w:num w:numId="5"><w:abstractNumId w:val="1"/></w:num>'
        '<w:num w:numId="6"><w:abstractNumId w:val="2"/></w:num>'
    )
    style = (
        '<w:style w:type="paragraph" w:styleId="H{0}"><w:name w:val="heading {0}"/><w:pPr><w:numPr>'
        '<w:ilvl w:val="{1}"/><w:numId w:val="5"/></w:numPr></w:pPr></w:style>'
    )
    item = '<w:numPr><w:ilvl w:val="{}"/><w:numId w:val="6"/></w:numPr>'
    body = "".join(
        paragraph(text, properties=properties)
        for text, properties in (
            ("Scope", '<w:pStyle w:val="H1"/>'),
            ("Ships", '<w:pStyle w:val="H2"/>'),
            ("Boats", '<w:pStyle w:val="H2"/>'),
            ("Rules", '<w:pStyle w:val="H1"/>'),
            ("Fees", '<w:pStyle w:val="H2"/>'),
            ("first", item.format(0)),
            ("inner", item.format(1)),
            ("second", item.format(0)),
        )
    )
    styles = style.format(1, 0) + style.format(2, 1)
    assert read_text("a.docx", make_docx(body, numbering=numbering, styles=styles)).split("\n") == [
        *("# 1 Scope", "", "## 1.1 Ships", "", "## 1.2 Boats", "", "# 2 Rules", "", "## 2.1 Fees"),
        *("", "c) first", "    - inner", "d) second"),
    ]


def test_merged_cells_of_a_table_are_filled() -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"

    down, on = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    rows = (
        cell("Quay") + cell("Slots", '<w:gridSpan w:val="2"/>'),
        cell("North", down) + cell("1") + cell("2"),
        cell("", on) + f"<w:sdt><w:sdtContent>{cell('3')}</w:sdtContent></w:sdt>" + cell("4"),
    )
    table = "".join(f"<w:tr>{row}</w:tr>" for row in rows)
    gone = f"<w:tr><w:trPr><w:del/></w:trPr>{cell('gone')}{cell('x')}</w:tr>"
    assert read_text("a.docx", make_docx(f"<w:tbl>{table}{gone}</w:tbl>")).split("\n") == [
        "| Quay | Slots | Slots |",
        "| --- | --- | --- |",
        "| North | 1 | 2 |",
        "| North | 3 | 4 |",
    ]


def test_raised_signs_formulas_and_pictures_are_read() -> None:
    raised = run("12", properties='<w:vertAlign w:val="superscript"/>')
    formula = (
        "<m:oMath><m:sSup><m:e><m:r><m:t>r</m:t></m:r></m:e>"
        "<m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath>"
    )
    picture = (
        '<w:r><w:drawing><wp:docPr id="1" name="Picture 1" descr="a chart"/></w:drawing></w:r>'
    )
    body = f"<w:p>{run('10')}{raised}{run(' and ')}{formula}</w:p><w:p>{picture}</w:p>"
    assert read_text("a.docx", make_docx(body)) == "10^12 and r^2\n\na chart"


def test_title_style_names_the_document() -> None:
    styles = '<w:style w:type="paragraph" w:styleId="T"><w:name w:val="Title"/></w:style>'
    body = paragraph("Pilot book", properties='<w:pStyle w:val="T"/>') + paragraph("Text.")
    document = read_one("a.docx", make_docx(body, styles=styles))
    assert (document.title, document.parts[0].text) == ("Pilot book", "# Pilot book\n\nText.")


def test_note_that_is_marked_in_a_table_stands_after_it() -> None:
    mark = "<w:r><w:footnoteReference w:id='3'/></w:r>"
    cells = f"<w:tc><w:p>{run('Ebb')}{mark}</w:p></w:tc><w:tc>{paragraph('6 h')}</w:tc>"
    body = f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>" + paragraph("End.")
    notes = f"<w:footnote w:id='3'>{paragraph('Or less.')}</w:footnote>"
    assert read_text("a.docx", make_docx(body, footnotes=notes)) == (
        "| Ebb[^3] | 6 h |\n| --- | --- |\n\n[^3]: Or less.\n\nEnd."
    )


def test_item_is_known_by_its_style_where_the_list_is_missing() -> None:
    styles = '<w:style w:type="paragraph" w:styleId="B"><w:name w:val="List Bullet"/></w:style>'
    item = paragraph("rope", properties='<w:pStyle w:val="B"/>')
    assert read_text("a.docx", make_docx(item + item, styles=styles)) == "- rope\n- rope"


CHART = """<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><c:chart><c:title><c:tx><c:rich>
 <a:p><a:r><a:t>Catch of the year</a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea>
 <c:barChart><c:ser><c:tx><c:strRef><c:strCache><c:pt idx="0"><c:v>Cod</c:v></c:pt></c:strCache>
 </c:strRef></c:tx><c:cat><c:strRef><c:strCache><c:pt idx="0"><c:v>2031</c:v></c:pt></c:strCache>
 </c:strRef></c:cat><c:val><c:numRef><c:numCache><c:pt idx="0"><c:v>417</c:v></c:pt></c:numCache>
 </c:numRef></c:val></c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>"""
DIAGRAM = """<dgm:dataModel xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><dgm:ptLst><dgm:pt><dgm:t>
 <a:p><a:r><a:t>Land the catch</a:t></a:r></a:p></dgm:t></dgm:pt><dgm:pt><dgm:t><a:p><a:r>
 <a:t>Salt it</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>"""
_DRAWN = (
    "<w:p><w:r><w:drawing><a:graphic><a:graphicData>{}</a:graphicData></a:graphic></w:drawing>"
    "</w:r></w:p>"
)


def _with_parts(body: str) -> bytes:
    """Returns a document with a chart and a diagram as its parts `rone` and `rtwo`."""
    content = make_docx(body, one="", two="")
    for name, part in (("one", CHART), ("two", DIAGRAM)):
        empty = zipfile.ZipFile(io.BytesIO(content)).read(f"word/{name}.xml").decode()
        content = change_member(content, f"word/{name}.xml", empty, part)
    return content


def test_charts_and_diagrams_are_read_where_they_stand() -> None:
    drawings = ('<chart r:id="rone"/>', '<relIds r:dm="rtwo"/>')
    body = paragraph("Before") + "".join(map(_DRAWN.format, drawings)) + paragraph("after")
    document = read_one("a.docx", _with_parts(body))
    assert document.warnings == ()
    assert document.parts[0].text == (
        "Before\n\nCatch of the year\n\n|  | Cod |\n| --- | --- |\n| 2031 | 417 |\n\n"
        "- Land the catch\n- Salt it\n\nafter"
    )


def test_a_chart_in_a_table_stands_behind_it_and_one_that_is_missing_is_named() -> None:
    cell = _DRAWN.format('<chart r:id="rone"/>')
    table = f"<w:tbl><w:tr><w:tc>{paragraph('a')}</w:tc><w:tc>{cell}</w:tc></w:tr></w:tbl>"
    assert "Catch of the year" in read_text("a.docx", _with_parts(table))
    gone = paragraph("a") + _DRAWN.format('<chart r:id="rnine"/>')
    assert read_one("a.docx", _with_parts(gone)).warnings == ("1 chart was left out.",)
