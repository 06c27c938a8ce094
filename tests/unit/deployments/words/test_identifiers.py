"""What in a text is one name although it has several parts."""

from collections.abc import Callable

import pytest

from deployments.words.identifiers import cased_names, identifiers
from deployments.words.named import held_by, held_by_path, holds_phrase, named_in, shape
from deployments.words.quotes import quoted
from deployments.words.searchable import searchable
from tests.linear_time import assert_linear


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pump QZ-4-88.", ["qz-4-88"]),
        ("v6.0.2 and 6.2.0", ["6.0.2", "6.2.0"]),
        ("at 2033-05-09T08:15:00Z", ["2033-05-09t08:15:00z", "2033-05-09", "00z"]),
        ("10.3.0.9:8443 is up", ["10.3.0.9:8443", "10.3.0.9"]),
        ("fe80::9a is a host", ["fe80::9a", "fe80", "9a"]),
        ("sha1:9f2c41d7 there", ["sha1:9f2c41d7", "sha1", "9f2c41d7"]),
        ("max_open_files, C++ and F#; .NET", ["max_open_files", "c++", "f#", ".net"]),
        ("KEYS-LOCK is not key-lock", ["keys-lock"]),
        ("QUI‑77 with another dash", ["qui-77"]),
        ("E4711, 0x1F", ["e4711", "0x1f"]),
        ("a well-known word, and/or 42, e.g. this", []),
        ("船E4711は", ["船e4711は"]),
    ],
)
def test_codes(text: str, found: list[str]) -> None:
    assert identifiers(text) == found


def test_an_endless_code_is_a_short_one_of_its_own() -> None:
    [one], [other] = identifiers("7" * 99 + "-b"), identifiers("7" * 99 + "-c")
    assert one != other
    assert len(one) <= 64


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("taxes in the US", ["US"]),
        ("the U.S. office", ["US"]),
        ("we leave in May, if at all", ["May"]),
        ("vitamin A for all", ["A"]),
        ("It may rain. May it rain?", []),
        ("WHAT IS IT FOR US", []),
        ("The Rules Of The House We May Keep", []),
        ("it's IT's", []),
    ],
)
def test_stop_words_that_are_spelled_as_names(text: str, names: list[str]) -> None:
    assert cased_names(text) == names


def test_what_a_question_names() -> None:
    named = named_in('Is "the red lamp" of 6.0.2 one of the 1,250 lamps?')
    assert named.codes == {"6.0.2"}
    assert named.numbers == {"1250"}
    assert holds_phrase(named.phrases[0], "So The Red-Lamp, it is.")
    assert not holds_phrase(named.phrases[0], "the lamp is red")
    assert not named_in("What is it?")
    assert held_by("lamps: 1250").numbers == {"1250"}


def test_the_name_of_a_document_names_what_it_is_about() -> None:
    assert {"3.0.7", "release-notes"} <= held_by_path("docs/v3.0.7/release-notes.md")
    assert "e4711" in held_by_path("errors/E4711.md")


def test_forms_tell_codes_of_one_kind() -> None:
    assert shape("qz-4-88") == shape("ab-91-2") != shape("4-qz-88")
    assert shape("1984") == shape("2001") != shape("42")


def test_quotation_marks_of_many_kinds() -> None:
    assert quoted('"a b" “c d” „e f“ «g h» 「i」 x "') == ["a b", "c d", "e f", "g h", "i"]


@pytest.mark.parametrize("read", [identifiers, cased_names, searchable])
@pytest.mark.parametrize(
    "unit", ["q", "56,78,", "5.6.", "cD", "ccD", "_", ".D", "d4", "cd EF ", "船"]
)
def test_twice_the_text_takes_twice_the_time(read: Callable[[str], object], unit: str) -> None:
    assert_linear(lambda: read(unit * 40_000), lambda: read(unit * 80_000))
