"""Formulas of Word, slides and web pages, and signs of fonts: what they say in a line of text."""

import time

import pytest

from tests.unit.deployments.indexer.files import (
    change_member,
    make_docx,
    make_pptx,
    read_one,
    read_text,
    run,
)


def letters(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def part(name: str, content: str) -> str:
    return f"<m:{name}>{content}</m:{name}>"


def over(above: str, below: str) -> str:
    return part("f", part("num", above) + part("den", below))


OFFICE = {
    "(q+2)/k": over(letters("q+2"), letters("k")),
    "√(q+2)": part(
        "rad", '<m:radPr><m:degHide m:val="1"/></m:radPr><m:deg/>' + part("e", letters("q+2"))
    ),
    "∛q": part("rad", part("deg", letters("3")) + part("e", letters("q"))),
    "∏_(k=1)^9 q_k": part(
        "nary",
        '<m:naryPr><m:chr m:val="∏"/></m:naryPr>'
        + part("sub", letters("k=1"))
        + part("sup", letters("9"))
        + part("e", part("sSub", part("e", letters("q")) + part("sub", letters("k")))),
    ),
    "∫₀^1 q": part(
        "nary", part("sub", letters("0")) + part("sup", letters("1")) + part("e", letters("q"))
    ),
    "(q+2)^8": part("sSup", part("e", letters("q+2")) + part("sup", letters("8"))),
    "|q|": part(
        "d", '<m:dPr><m:begChr m:val="|"/><m:endChr m:val="|"/></m:dPr>' + part("e", letters("q"))
    ),
    "[1, 2; 3, 4]": part(
        "d",
        part(
            "e",
            part(
                "m",
                part("mr", part("e", letters("1")) + part("e", letters("2")))
                + part("mr", part("e", letters("3")) + part("e", letters("4"))),
            ),
        ),
    ),
    "q": part("phant", part("e", letters("q")))
    + part("phant", '<m:phantPr><m:show m:val="0"/></m:phantPr>' + part("e", letters("k"))),
    "sin q": part("func", part("fName", letters("sin")) + part("e", letters("q"))),
    "(n over k)": part(
        "f",
        '<m:fPr><m:type m:val="noBar"/></m:fPr>'
        + part("num", letters("n"))
        + part("den", letters("k")),
    ),
}

MATHML = {
    "(q+2)/k": "<mfrac><mrow><mi>q</mi><mo>+</mo><mn>2</mn></mrow><mi>k</mi></mfrac>",
    "√7": "<msqrt><mn>7</mn></msqrt>",
    "√(q+2)": "<msqrt><mi>q</mi><mo>+</mo><mn>2</mn></msqrt>",
    "q^(1/n)": "<mroot><mi>q</mi><mi>n</mi></mroot>",
    "∑_(k=1)^9 q_k^2": "<munderover><mo>∑</mo><mrow><mi>k</mi><mo>=</mo><mn>1</mn></mrow><mn>9</mn>"
    "</munderover><msubsup><mi>q</mi><mi>k</mi><mn>2</mn></msubsup>",
    "q\u0304": "<mover><mi>q</mi><mo>¯</mo></mover>",
    "[1, 2; 3, 4]": "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr>"
    "<mtr><mtd><mn>3</mn></mtd><mtd><mn>4</mn></mtd></mtr></mtable>",
    "q": "<semantics><mi>q</mi><annotation encoding='application/x-tex'>r</annotation></semantics>",
    "14C": "<mmultiscripts><mi>C</mi><mprescripts/><none/><mn>14</mn></mmultiscripts>",
    "(q; r)": '<mfenced separators=";"><mi>q</mi><mi>r</mi></mfenced>',
}


@pytest.mark.parametrize(("said", "formula"), OFFICE.items(), ids=OFFICE.keys())
def test_formula_of_word_is_said_in_a_line(said: str, formula: str) -> None:
    body = f"<w:p>{run('so ')}<m:oMath>{formula}</m:oMath>{run(' holds')}</w:p>"
    assert read_text("a.docx", make_docx(body)) == f"so {said} holds"


@pytest.mark.parametrize(("said", "formula"), MATHML.items(), ids=MATHML.keys())
def test_formula_of_a_page_is_said_in_a_line(said: str, formula: str) -> None:
    assert read_text("a.html", f"<p>so <math>{formula}</math> holds") == f"so {said} holds"


def test_formula_of_a_slide_is_said_once() -> None:
    office = "http://schemas.openxmlformats.org"
    math = f"{office}/officeDocument/2006/math"
    drawing = "http://schemas.microsoft.com/office/drawing/2010/main"
    formula = (
        f'<mc:AlternateContent xmlns:mc="{office}/markup-compatibility/2006">'
        f'<mc:Choice xmlns:a14="{drawing}" Requires="a14">'
        f'<a14:m><m:oMath xmlns:m="{math}">{over(letters("q+2"), letters("k"))}</m:oMath></a14:m>'
        "</mc:Choice><mc:Fallback><a:r><a:t>picture</a:t></a:r></mc:Fallback></mc:AlternateContent>"
    )
    content = make_pptx(("Rates", "MARK"))
    slide = "ppt/slides/slide1.xml"
    content = change_member(content, slide, "<a:r><a:t>MARK</a:t></a:r>", formula)
    assert read_text("a.pptx", content).endswith("(q+2)/k")


def test_what_draws_a_formula_is_not_read_beside_it() -> None:
    page = (
        '<p>so <span class="katex"><span class="katex-mathml"><math><mi>q</mi></math></span>'
        '<span class="katex-html" aria-hidden="true">q</span></span> holds'
    )
    assert read_text("a.html", page) == "so q holds"


def test_block_formula_stands_apart() -> None:
    page = '<p>so <math display="block"><mi>q</mi></math> holds'
    assert read_text("a.html", page) == "so\n\nq\n\nholds"


@pytest.mark.parametrize("depth", [40, 400, 4000])
def test_deep_formulas_are_read(depth: int) -> None:
    began_s = time.process_time()
    for tag in ("msqrt", "mrow", "msup", "mfrac", "semantics", "mtable", "mfenced"):
        page = f"<p><math>{f'<{tag}>' * depth}<mi>q</mi>"
        assert "q" in read_text("a.html", page)
    inner = letters("q")
    body = "<m:rad><m:e>" * min(depth, 60) + inner + "</m:e></m:rad>" * min(depth, 60)
    assert "q" in read_text("a.docx", make_docx(f"<w:p><m:oMath>{body}</m:oMath></w:p>"))
    assert time.process_time() - began_s < 5.0


def test_signs_of_fonts_are_read_or_named() -> None:
    signs = "".join(
        f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>'
        for font, code in [("Symbol", "F0B3"), ("Wingdings", "F0FC"), ("Acme", "F041")]
    )
    of_a_font = run("\uf0b1", properties='<w:rFonts w:ascii="Symbol"/>')
    document = read_one("a.docx", make_docx(f"<w:p>{run('a ')}{signs}{of_a_font}{run(' b')}</w:p>"))
    assert document.parts[0].text == "a ≥✓± b"
    assert document.warnings == ("1 sign of an unknown font was left out.",)
