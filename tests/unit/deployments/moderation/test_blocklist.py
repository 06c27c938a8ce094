"""No character of a term leaves, everything else does: against regular expressions over the whole
text, whose words are compared one by one."""

import random
import re
import time
import unicodedata

import pytest

from deployments.moderation.blocklist import Blocklist, BlocklistStream

UNSEEN = "\u200b\u00ad\ufeff\u2060"
SEPARATORS = [" ", "-", ", ", "  ", "\n", "…", "_", " * ", "\u00a0", "/\u200b ", "—"]
WORDS = ["ab", "abc", "b", "bc", "ca", "cab", "é1", "x9"]
TEXTS = 6000


def random_terms(chance: random.Random) -> list[str]:
    return list(
        {
            " ".join(chance.choice(WORDS) for _ in range(chance.randint(1, 4)))
            for _ in range(chance.randint(1, 5))
        }
    )


def spelled(character: str, chance: random.Random) -> str:
    """Returns a letter as nobody expects it."""
    forms = [character, character.upper(), unicodedata.normalize("NFD", character)]
    if character.isascii() and character.isalnum():
        forms.append(chr(ord(character) + 0xFEE0))
    before = chance.choice(UNSEEN) if chance.random() < 0.1 else ""
    return before + chance.choice(forms)


def random_text(chance: random.Random) -> str:
    parts = []
    for _ in range(chance.randint(0, 9)):
        parts += [spelled(character, chance) for character in chance.choice(WORDS)]
        if chance.random() < 0.9:
            parts.append(chance.choice(SEPARATORS))
    return "".join(parts)


def cut(text: str, chance: random.Random) -> list[str]:
    pieces, place = [], 0
    while place < len(text):
        step = chance.randint(1, 6)
        pieces.append(text[place : place + step])
        place += step
    return pieces


def expected(text: str, terms: list[str]) -> set[int]:
    """Returns where terms begin in a text, found without the automaton: each word of the text and
    what follows, compared with every term."""
    starts = set()
    tokens = [
        (match.start(), plain(match.group()))
        for match in re.finditer(rf"(?:[^\W_]|[{UNSEEN}\u0301])+", text)
        if plain(match.group())
    ]
    words = [word for _, word in tokens]
    for place, (start, _) in enumerate(tokens):
        for term in terms:
            wanted = [plain(word) for word in term.split()]
            if words[place : place + len(wanted)] == wanted:
                lead = re.match(f"[{UNSEEN}]*", text[start:])
                assert lead is not None
                starts.add(start + lead.end())
    return starts


def plain(word: str) -> str:
    return unicodedata.normalize("NFKC", re.sub(f"[{UNSEEN}]", "", word)).lower()


def may_become(tail: str, terms: list[str]) -> bool:
    """Returns whether a tail is the beginning of a term, complete or not."""
    words = re.findall(r"\w+", plain(tail).replace("_", " "))
    behind = " " if re.search(rf"[^\w{UNSEEN}\u0301]|_", tail[-1:]) else ""
    return any(
        plain(term).startswith(" ".join(words))
        and (f"{plain(term)} ").startswith(unicodedata.normalize("NFC", " ".join(words) + behind))
        for term in terms
    )


def test_nothing_of_a_term_leaves_and_everything_else_does() -> None:
    chance = random.Random(7)
    blocked = 0
    for _ in range(TEXTS):
        terms, text = random_terms(chance), random_text(chance)
        stream = BlocklistStream(Blocklist({"list": terms}))
        sent, heard = 0, ""
        for piece in cut(text, chance):
            heard += piece
            decided = stream.feed(piece)
            assert decided >= sent, "what has left cannot come back"
            sent = decided
            if stream.found:
                break
        if not stream.found:
            sent = max(sent, stream.finish())
        starts = expected(text, terms)
        assert bool(stream.found) == bool(starts), (text, terms)
        if starts:
            blocked += 1
            assert sent <= min(starts), (text, terms, sent)
        else:
            assert sent == len(text), (text, terms, sent)
    assert blocked > TEXTS / 5, "the texts must hold terms"


def test_only_what_may_become_a_term_is_held() -> None:
    chance = random.Random(11)
    for _ in range(TEXTS // 2):
        words = [word for word in WORDS if word.isascii()]
        terms = [" ".join(chance.choice(words) for _ in range(chance.randint(1, 3)))]
        text = "".join(chance.choice(words) + chance.choice([" ", "-", ", "]) for _ in range(6))
        stream, heard = BlocklistStream(Blocklist({"list": terms}), stops=False), ""
        for piece in cut(text, chance):
            heard += piece
            held = heard[stream.feed(piece) :]
            assert not held or may_become(held, terms), (heard, held, terms)


def test_a_list_that_goes_on_finds_every_term() -> None:
    chance = random.Random(13)
    for _ in range(TEXTS // 2):
        terms, text = random_terms(chance), random_text(chance)
        blocklist = Blocklist({"list": terms})
        found = blocklist.find(text)
        assert blocklist.categories(text) == {one.category for one in found}
        assert {one.start for one in found} == expected(text, terms), (text, terms)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("a peg here", True),
        ("a pegboard", False),
        ("PEG", True),
        ("p\u200be\u00adg", True),
        ("p\u0336e\u0336g\u0336", True),
        ("ｐｅｇ", True),
        ("𝐩𝐞𝐠!", True),
        ("peg\u0301", False),
        ("unpeg", False),
        ("-peg-", True),
        ("p e g", False),
        ("реg", False),  # Cyrillic
    ],
)
def test_a_term_is_a_word_however_it_is_typeset(text: str, is_found: bool) -> None:
    assert bool(Blocklist({"list": ["Peg"]}).find(text)) == is_found


def test_look_alikes_count_where_a_list_says_so() -> None:
    terms = {"list": ["peg"]}
    assert not Blocklist(terms).find("рeg")
    assert Blocklist(terms, look_alikes=True).find("рeg")
    assert not Blocklist({"list": ["is"]}, look_alikes=True).find("executive or 15")


def test_a_script_without_blanks_has_terms_inside_of_its_runs() -> None:
    found = Blocklist({"list": ["禁词"]}).find("这是禁词吗")
    assert [(one.start, one.end) for one in found] == [(2, 4)]
    assert not Blocklist({"list": ["禁词"]}).find("这是禁吗词")


def test_offsets_are_those_of_the_text_as_it_came() -> None:
    text = "İ ß ﬁ: bad\u200b--\u00ad Word."
    (found,) = Blocklist({"list": ["bad word"]}).find(text)
    assert text[found.start : found.end] == "bad\u200b--\u00ad Word"
    assert found.category == "list"


def test_a_term_of_no_letters_is_refused() -> None:
    with pytest.raises(ValueError, match="neither letter nor digit"):
        Blocklist({"list": ["?!"]})


def test_ten_thousand_terms_are_built_in_bounded_time() -> None:
    chance = random.Random(3)
    letters = "abcdefghijklmnopqrstuvwxyz"
    terms = [
        " ".join("".join(chance.choices(letters, k=chance.randint(3, 9))) for _ in range(3))
        for _ in range(10_000)
    ]
    started_s = time.process_time()
    blocklist = Blocklist({"list": terms})
    assert time.process_time() - started_s < 5.0
    assert blocklist.find(f"so {terms[-1]} it is")
