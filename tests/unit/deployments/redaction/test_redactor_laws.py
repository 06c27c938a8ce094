"""What holds for every text, also for one that was made to break the search."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.redaction.findings import Finding, Kind, merge_overlapping
from deployments.redaction.placeholders import PLACEHOLDER
from deployments.redaction.redactor import Redactor

REDACTOR = Redactor()

PARTS = [
    "ann@example.org",
    "+49 30 901820",
    "415-555-2671",
    "4242 4242 4242 4242",
    "4242",
    "117-44-7426",
    "DE89370400440532013000",
    "140.252.141.168",
    "fe80::1ff:fe23:4567:890a",
    "password: ",
    "a1b2c3d4",
    "api_key=",
    "Bearer ",
    "sk-a8F2kL0pQ9zX7vB3nM5t",
    "https://a:b@c/",
    "my name is ",
    "Ann",
    "dob ",
    "1980-02-03",
    "<EMAIL_1>",
    "<CARD>",
    "<PHONE_999999>",
    "<",
    ">",
    "@",
    ".",
    " ",
    "-",
    "\n",
    '"',
    "=",
    "\ud800",
    "\\n",
    "\\",
    "\x00",
    "\u0130",
    "\u00a0",
    "１２３",
    "٣٤٥",
    "ß",
    "call ",
    "0",
    "7",
    "+",
    "(",
    ")",
    "/",
    ":",
]
TEXTS = st.lists(st.sampled_from(PARTS) | st.text(max_size=6), max_size=14).map("".join)
ANY_TEXT = TEXTS | st.text(st.characters(), max_size=60)


@settings(max_examples=300)
@given(ANY_TEXT)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = REDACTOR.redact(text)
    assert REDACTOR.redact(once) == once


@settings(max_examples=300)
@given(ANY_TEXT)
def test_nothing_else_changes(text: str) -> None:
    """What is left between the placeholders stands in the text, in this order."""
    kept = PLACEHOLDER.split(REDACTOR.redact(text))[::2]
    at = 0
    for piece in kept:
        found = text.find(piece, at)
        assert found >= 0
        at = found + len(piece)
    assert text.startswith(kept[0])
    assert text.endswith(kept[-1])


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 12), st.sampled_from(["EMAIL", "CARD", "IP"]))
    )
)
def test_merged_findings_are_disjoint_and_lose_nothing(spans: list[tuple[int, int, Kind]]) -> None:
    findings = [Finding(start, start + length, kind) for start, length, kind in spans]
    merged = merge_overlapping(findings)
    assert all(a.end <= b.start for a, b in zip(merged, merged[1:], strict=False))
    covered = {at for found in findings for at in range(found.start, found.end)}
    assert {at for found in merged for at in range(found.start, found.end)} == covered


HOSTILE = [
    "1",
    "1 ",
    "4242 ",
    "4242-",
    "a",
    "@",
    "@a",
    "a@",
    "a@b.",
    "a@b.co ",
    "(",
    "+",
    "+1",
    "password=",
    "password is a1",
    "my name is A A ",
    "eyJ",
    "_eyJ",
    "-eyJa.",
    "sk-",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "://",
    "://a:",
    "://:@",
    "AA11 ",
    "DE11AAAA",
    ":",
    "a:",
    "1.1.",
    "1.1.1.1 ",
    "00:",
    "2001:",
    "01 02 ",
    "555-555-",
    "call 1",
    "dear A",
    "i live at 1",
    "<EMAIL_1",
    'secret="',
    "AKIA",
    "card 1 ",
    "\ud800",
    "\u0130",
    "%40a",
    '"a"@',
    "a=a@b.co",
    "11111111111 ",
    "dob 1/1/",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_with_the_length_only(unit: str) -> None:
    """Eight times the text may take eight times as long, and some noise; never sixty-four."""
    short, long = (unit * (size // len(unit)) for size in (8_000, 64_000))
    assert _fastest_s(long) < 25 * max(_fastest_s(short), 0.0004)


def _fastest_s(text: str) -> float:
    times = []
    for _ in range(2):
        start = time.process_time()
        REDACTOR.redact(text)
        times.append(time.process_time() - start)
    return min(times)


def test_a_million_hostile_characters_take_seconds() -> None:
    """The slowest units at full size: the bound is generous, quadratic search would take hours."""
    for unit in ("4242 ", "password="):
        start = time.process_time()
        REDACTOR.redact(unit * (1_000_000 // len(unit)))
        assert time.process_time() - start < 10


def test_no_pass_leaves_a_value_behind() -> None:
    """Taking one value out may uncover another beside it."""
    redacted = REDACTOR.redact("password: a1b2c3 ann@example.org4155552671 415-555-2671")
    assert not re.search(r"\d{3}|@", re.sub(r"<\w+>", "", redacted))


class _Peeling(Redactor):
    """Uncovers one more value with every pass."""

    def find(self, text: str) -> list[Finding]:
        return [Finding(0, 1, "IP")]


def test_text_that_never_comes_to_rest_is_taken_out_whole() -> None:
    assert _Peeling().redact("abcdefghij").endswith("<TEXT_1>")
