"""What a workbook shows: formats, merged cells, formulas, and the sheets that can be seen."""

from datetime import date, datetime, time, timedelta

from openpyxl import Workbook  # type: ignore[import-untyped]

from deployments.indexer.formats.converted import ReadingOptions
from tests.unit.deployments.indexer.files import (
    change_member,
    fail_one,
    make_xlsx,
    read_one,
    read_text,
    save_workbook,
)


def test_cells_say_what_the_sheet_shows() -> None:
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "Catch"
    sheet.append(["Rate", "Id", "Day", "Left", "Took", "Live", "Note"])
    sheet.append(
        [0.0825, 42, date(2030, 4, 5), time(7, 5), timedelta(hours=30, minutes=5), True, " a\nb "]
    )
    for column, code in {"A": "0.00%", "B": "0000", "E": "[h]:mm"}.items():
        sheet[f"{column}2"].number_format = code
    assert read_text("a.xlsx", save_workbook(workbook)).split("\n")[2:] == [
        "Rate: 8.25%",
        "Id: 0042",
        "Day: 2030-04-05",
        "Left: 7:05:00",
        "Took: 30:05",
        "Live: TRUE",
        "Note: a b",
    ]


def test_moment_keeps_its_time() -> None:
    assert "At: 2030-04-05 7:05:00" in read_text(
        "a.xlsx", make_xlsx(S=[["At"], [datetime(2030, 4, 5, 7, 5)]])
    )


def test_formula_without_a_stored_value_is_read_as_written() -> None:
    document = read_one("a.xlsx", make_xlsx(S=[["Kg", "Sum"], [2, "=A2*7"], [3, "=A3*7"]]))
    assert document.parts[0].text.endswith("Kg: 2\nSum: =A2*7\n\nKg: 3\nSum: =A3*7")
    assert document.warnings == ("2 formulas have no stored value, and are read as written.",)


def test_formula_that_cells_share_moves_with_the_cell() -> None:
    content = make_xlsx(S=[["Kg", "Sum"], [2, "=A2*7"], [3, "=A3*7"]])
    content = change_member(
        content, "xl/worksheets/sheet1.xml", "<f>A2*7</f>", '<f t="shared" si="0">A2*7</f>'
    )
    content = change_member(
        content, "xl/worksheets/sheet1.xml", "<f>A3*7</f>", '<f t="shared" si="0"/>'
    )
    assert "Sum: =A3*7" in read_text("a.xlsx", content)


def test_merged_cells_say_the_same_in_each_place() -> None:
    workbook = Workbook()
    sheet = workbook.active
    for row in (["Isle", "Hut", "Bunks"], ["Hitra", "A", 4], [None, "B", 6], ["Closed in May"]):
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    sheet.merge_cells("A4:C4")
    records = read_text("a.xlsx", save_workbook(workbook)).split("\n\n")
    assert records[2:] == ["Isle: Hitra\nHut: B\nBunks: 6", "Closed in May"]


def test_merged_title_above_the_table_names_no_column() -> None:
    workbook = Workbook()
    sheet = workbook.active
    for row in (["Hut list 2031"], [], ["Hut", "Bunks"], ["A", 4], ["B", 6]):
        sheet.append(row)
    sheet.merge_cells("A1:B1")
    records = read_text("a.xlsx", save_workbook(workbook)).split("\n\n")
    assert records[1:] == ["Hut list 2031", "Hut: A\nBunks: 4", "Hut: B\nBunks: 6"]


def test_hidden_sheets_are_left_out_by_name() -> None:
    workbook = Workbook()
    workbook.active.append(["Open"])
    for name, state in (("Wages", "veryHidden"), ("Draft", "hidden")):
        sheet = workbook.create_sheet(name)
        sheet.append([f"of {name}"])
        sheet.sheet_state = state
    content = save_workbook(workbook)
    document = read_one("a.xlsx", content)
    assert document.warnings == ("2 hidden sheets were left out: Wages, Draft.",)
    assert "of Wages" not in document.parts[0].text
    assert "of Wages" in read_text("a.xlsx", content, options=ReadingOptions(hidden=True))


def test_defects_of_styles_cost_nothing() -> None:
    content = make_xlsx(S=[["Rope"], ["hemp"]])
    broken = change_member(content, "xl/styles.xml", "<fonts", "<nonsense/><fonts")
    broken = change_member(broken, "xl/styles.xml", "</fills>", "<fill/></fills>")
    assert read_text("a.xlsx", broken).endswith("Rope: hemp")


def test_row_beyond_the_last_one_is_refused() -> None:
    content = change_member(
        make_xlsx(S=[["a"], ["b"]]), "xl/worksheets/sheet1.xml", '<row r="2"', '<row r="4000000000"'
    )
    assert fail_one("a.xlsx", content) == "The table has more than 1,048,576 rows. Split it."


def test_comments_on_cells_are_left_out_with_a_warning() -> None:
    from openpyxl.comments import Comment  # type: ignore[import-untyped]

    workbook = Workbook()
    workbook.active.append(["seen"])
    workbook.active["A1"].comment = Comment("unseen", "Ada")
    document = read_one("a.xlsx", save_workbook(workbook))
    assert document.warnings == ("1 comment on cells was left out.",)


def test_names_of_columns_may_go_over_two_rows() -> None:
    workbook = Workbook()
    sheet = workbook.active
    for row in (["Port", "Calls", None], [None, "2030", "2031"], ["Oslo", 4, 5], ["Bodo", 6, 7]):
        sheet.append(row)
    sheet.merge_cells("A1:A2")
    sheet.merge_cells("B1:C1")
    assert read_text("a.xlsx", save_workbook(workbook)).split("\n\n")[1:] == [
        "Port: Oslo\nCalls 2030: 4\nCalls 2031: 5",
        "Port: Bodo\nCalls 2030: 6\nCalls 2031: 7",
    ]


def test_reading_aids_of_a_string_are_no_text() -> None:
    aid = '<is><r><t>東</t></r><r><t>京</t></r><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></is>'
    old, new = "<is><t>x</t></is>", aid
    content = change_member(make_xlsx(S=[["City"], ["x"]]), "xl/worksheets/sheet1.xml", old, new)
    assert read_text("a.xlsx", content).endswith("City: 東京")
