"""What a terminal shows of a log, and which characters nobody sees."""

import pytest

from deployments.indexer.cleaning import clean_path, clean_text, document_id
from deployments.indexer.formats.text.terminal import show_lines
from tests.unit.deployments.indexer.files import read_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[33mWARN\x1b[0m tank \x1b[4mT9\x1b[24m", "WARN tank T9"),
        ("\x1b[38;2;10;20;30mrgb\x1b[m \x1b[?25lcursor\x1b[?25h", "rgb cursor"),
        ("\x9b31mERR\x9b0m", "ERR"),
        ("\x1b]8;;http://a.b/c\x07the log\x1b]8;;\x07", "the log"),
        ("\x1b]8;id=1;http://a.b\x1b\\the log\x1b]8;;\x1b\\ end", "the log end"),
        ("\x1b]0;window title\x07prompt", "prompt"),
        ("\x1bPq#0;2;0;0;0\x1b\\sixel", "sixel"),
        ("\x1b(Bplain\x1b=\x1b7", "plain"),
        ("one\x1b[2;5Htwo", "one\ntwo"),
        ("one\x1b[4Ctwo", "one two"),
        ("open \x1b]8;;x\nnext line", "open \nnext line"),
        ("lone \x1b", "lone "),
    ],
)
def test_control_sequences_go_whole(text: str, shown: str) -> None:
    assert clean_text(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fetch 5%\rfetch 60%\rfetch 100%\ndone\n", "fetch 100%\ndone\n"),
        ("[#   ] 1/4\r[####] 4/4\nend", "[####] 4/4\nend"),
        ("working\r\x1b[2Kfinished\n", "\x1b[2Kfinished\n"),
        ("one\rtwo\rthree", "one\ntwo\nthree"),
        ("name,a\r\nb,c\r\n", "name,a\nb,c\n"),
        ("alpha\rbeta\ngamma", "alpha\nbeta\ngamma"),
        ("N\x08NA\x08AM\x08ME\x08E", "NAME"),
    ],
)
def test_overwritten_lines_leave_what_was_seen_last(text: str, shown: str) -> None:
    assert show_lines(text) == shown


def test_log_is_plain_text() -> None:
    assert read_text("a.log", "# 1 of 3\r# 3 of 3\n\x1b[1mok\x1b[0m\n") == "# 3 of 3\nok"


@pytest.mark.parametrize(
    "unseen", "\u00ad\u200b\u2060\ufeff\u202e\u2066\u034f\u180e\u3164\U000e0041"
)
def test_invisible_characters_do_not_cut_words(unseen: str) -> None:
    assert clean_text(f"sea{unseen}farer") == "seafarer"


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cروم",
        "क्\u200dष",
        "ශ්\u200dරී",
        "👩\u200d🚒 and 🏳\ufe0f\u200d🌈",
        "❤\ufe0f 2\ufe0f\u20e3",
        "👨\u200d👩\u200d👧",
    ],
)
def test_joiners_stay_where_scripts_and_emoji_need_them(text: str) -> None:
    assert clean_text(text) == text


def test_joiners_elsewhere_go() -> None:
    assert clean_text("sea\u200dfarer and sea\u200cfarer and </so\ufe0furce>") == (
        "seafarer and seafarer and </source>"
    )


def test_names_that_differ_in_a_byte_are_two_documents() -> None:
    names = [
        "h\udce6r.md",
        "h\udce5r.md",
        "h\\xe6r.md",
        "h\ufffdr.md",
        "hr.md",
        "h\u200br.md",
        "h\nr.md",
    ]
    paths = [clean_path(name) for name in names]
    assert paths[0] == "h\\xe6r.md"
    assert len({document_id(path) for path in paths}) == len(names)
    assert all(path.encode() and clean_text(path) == path for path in paths)


@pytest.mark.parametrize("name", ["notes/hær.md", "C:\\notes\\a.md", "семь 7.md", "👩\u200d🚒.md"])
def test_usual_names_stay_as_they_are(name: str) -> None:
    assert clean_path(name) == name


def test_ligatures_of_typesetting_become_letters() -> None:
    assert clean_text("the o\ufb03ce \ufb01le") == "the office file"


def test_colours_of_terminals_of_eight_bits_are_no_letters() -> None:
    assert read_text("a.log", b"\x9b1;31mred\x9b0m wine \xe9t\xe9, \x9b12\n").startswith(
        "red wine été"
    )
    assert read_text("a.log", "Û1m stays, ě0m too".encode()) == "Û1m stays, ě0m too"


def test_a_wide_text_has_no_sequences_of_eight_bits() -> None:
    text = "か゛あいうえお日本語の文章です。"
    assert read_text("a.txt", text.encode("utf-16")) == text
