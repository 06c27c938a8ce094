"""Values that are broken up by what nobody sees, or by the lines of a column."""

import pytest

from deployments.redaction.findings import Finding
from deployments.redaction.redactor import Redactor
from deployments.redaction.visible import VisibleText

redact = Redactor().redact


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\u2060", "\ufe0f", "\U000e0061", "\u202e"])
def test_characters_that_nobody_sees_hide_nothing(hidden: str) -> None:
    assert redact(f"Card 5555{hidden}5555{hidden}5555{hidden}4444, paid") == "Card <CARD_1>, paid"
    assert redact(f"To mar{hidden}ia@exam{hidden}ple.com now") == "To <EMAIL_1> now"
    assert redact(f"FR14{hidden}20041010050500013M02606") == "<IBAN_1>"


def test_what_is_hidden_elsewhere_stays() -> None:
    assert redact("Co\u00adop and 5555 5555 5555 4444") == "Co\u00adop and <CARD_1>"


def test_places_are_those_of_the_raw_text() -> None:
    visible = VisibleText("a\u200b\u200bb\u00adc")
    assert visible.text == "abc"
    assert visible.in_raw(Finding(1, 3, "ID")) == Finding(3, 6, "ID")
    assert visible.in_raw(Finding(0, 1, "ID")) == Finding(0, 1, "ID")


@pytest.mark.parametrize("joint", ["_", "\n", "\r\n"])
def test_groups_may_stand_in_a_column_or_be_joined(joint: str) -> None:
    assert redact(joint.join(("5555", "5555", "5555", "4444"))) == "<CARD_1>"
    assert redact(joint.join(("FR14", "2004", "1010", "0505", "0001", "3M02", "606"))) == "<IBAN_1>"


def test_a_column_of_other_numbers_stays() -> None:
    years = "2021\n2022\n2023\n2024\n4000\n5000\n6000\n7001"
    assert redact(years) == years


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("5555555555554444a", "<CARD_1>a"),
        ("PIN 9031", "PIN <PASSWORD_1>"),
        ("pw: tr0ub4dor", "pw: <PASSWORD_1>"),
    ],
)
def test_short_forms(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize("text", ["Connect pin 4 to pin 12.", "5555555555554445a", "set pw=$PW"])
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert redact(text) == text
