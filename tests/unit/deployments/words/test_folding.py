"""When two spellings are one word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.words.folding import fold
from deployments.words.invisible import drop_invisible


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ΚΑΛΗΜΈΡΑ ΚΌΣΜΟΣ", "καλημερα κοσμος"),
        ("İZMİR", "izmir"),
        ("kapı", "KAPI"),
        ("Ёж", "еж"),
        ("Größe", "GRÖSSE"),
        ("Œuvre", "oeuvre"),
        ("Łóżko", "lozko"),
        ("Phở", "pho"),
        ("عَرَبِيّ", "عربي"),
        ("كتـــاب", "كتاب"),
        ("סֵפֶר", "ספר"),
        ("ｆｕｌｌ　１２", "full 12"),
        ("٤٢", "42"),
        ("e\u0301te\u0301", "été"),
        ("water\u00adway", "waterway"),
        ("zero\u200bwidth\u2060joined", "zerowidthjoined"),
        ("می\u200cروم", "میروم"),
        ("tag\U000e0041ged", "tagged"),
    ],
)
def test_two_spellings_of_a_word_are_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("की", "का"),  # vowel signs of Hindi
        ("क्त", "कत"),  # the sign that there is no vowel
        ("ไม่", "ไม้"),  # tones of Thai
        ("か", "が"),  # voiced kana
        ("и", "й"),
        ("北", "背"),
    ],
)
def test_marks_that_are_letters_stay(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text())
def test_folding_is_done_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_what_nobody_sees_is_left_out_and_what_joins_stays() -> None:
    assert drop_invisible("pay\u202e\u2066 the\u034f\u3164 bill\ufeff") == "pay the bill"
    assert drop_invisible("</\ufe0fa>\u200d") == "</a>"
    family, hindi = "👩\u200d👧", "क्\u200dष"
    assert drop_invisible(family + hindi) == family + hindi
