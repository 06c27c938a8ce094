"""What a cell shows of its number, by the format of the cell."""

import pytest

from deployments.indexer.formats.sheets.number_formats import show_number, show_text


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (0.075, "0.0%", "7.5%"),
        (0.5, "0%", "50%"),
        (1.005, "0.00", "1.01"),
        (4.5, "0", "5"),
        (-0.5, "0", "-1"),
        (0.145, "0%", "15%"),
        (1e300, "0.0", "1" + "0" * 300 + ".0"),
        (77, "000000", "000077"),
        (9876543.21, "#,##0.00", "9,876,543.21"),
        (-12, "0.00;(0.00)", "(12.00)"),
        (-1.5, "0.0", "-1.5"),
        (0, '#,##0;-#,##0;"none"', "none"),
        (0, '_-* "-"??_-', "-"),
        (99.5, '"€" #,##0.00', "€ 99.50"),
        (99.5, "[$£-809]#,##0.00", "£99.50"),
        (4, '0 "crates"', "4 crates"),
        (2_500_000, '0.0,,"M"', "2.5M"),
        (4712345678, "(000) 000-0000", "(471) 234-5678"),
        (98765, "0.0E+00", "9.9E+04"),
        (2.75, "# ?/?", "2 3/4"),
        (3.5, "#.##", "3.5"),
        (12, '[>=10]"many";"few" 0', "many"),
        (-4321.5, "$#,##0.00;[Red]-$#,##0.00", "-$4,321.50"),
        (18.4, "0.0 °C", "18.4 °C"),
        (-0.0004, "0.0", "0.0"),
        (7.0, "General", "7"),
        (0.1 + 0.2, "General", "0.3"),
        (6, ";;;", "6"),
    ],
)
def test_number_is_shown_by_its_format(value: float, code: str, shown: str) -> None:
    assert show_number(value, code) == shown


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (46000, "yyyy-mm-dd", "2025-12-09"),
        (46000, "dd.mm.yyyy", "09.12.2025"),
        (46000.75, "d mmm yyyy h:mm", "9 Dec 2025 18:00"),
        (46000, "dddd", "Tuesday"),
        (46000, "yyyy-mm-dd hh:mm:ss", "2025-12-09"),
        (0.25, "h:mm AM/PM", "6:00 AM"),
        (0.7, "h:mm:ss", "16:48:00"),
        (2.5, "[h]:mm", "60:00"),
        (0.0125, "mm:ss", "18:00"),
        (0.5, "[mm]", "720"),
        (1, "yyyy-mm-dd", "1900-01-01"),
        (61, "yyyy-mm-dd", "1900-03-01"),
        (1.0 / 86_400 / 2, "ss.000", "00.500"),
        (-3, "yyyy-mm-dd", "-3"),
        (1e12, "yyyy-mm-dd", "1000000000000"),
    ],
)
def test_date_time_and_duration_are_shown_by_their_format(
    value: float, code: str, shown: str
) -> None:
    assert show_number(value, code) == shown


def test_days_of_a_mac_workbook_count_from_1904() -> None:
    assert show_number(0, "yyyy-mm-dd", starts_1904=True) == "1904-01-01"


def test_text_gets_what_its_format_adds() -> None:
    assert show_text("Fram", '"MS "@') == "MS Fram"
    assert show_text("Fram", "0.00") == "Fram"
