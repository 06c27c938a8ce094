"""What counts as a sentence of a Markdown passage, and as a word that carries meaning."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.generator.extractive.reading import terms as module
from deployments.generator.extractive.reading.sentences import sentences, statements
from deployments.generator.extractive.reading.terms import terms, words
from deployments.stop_words import STOP_WORDS


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One is here. Two is there.", ["One is here.", "Two is there."]),
        ("A line that\ngoes on here.", ["A line that goes on here."]),
        ("# A heading with words\n\nThe text below it.", ["The text below it."]),
        (
            "Text before it.\n## A heading with words\nText after it.",
            ["Text before it.", "Text after it."],
        ),
        (
            "Before the code.\n```python\nthis is not text\n```\nAfter the code.",
            ["Before the code.", "After the code."],
        ),
        ("~~~\nnever closed code here\n", []),
        ("- first item here\n- second item here", ["first item here", "second item here"]),
        ("1. first item here\n2) second item here", ["first item here", "second item here"]),
        ("See [the full guide](https://x.y/z?a=(b)) for more.", None),
        ("See [the full guide](guide.md) for more.", ["See the full guide for more."]),
        ("![a picture here](x.png)", ["a picture here"]),
        ("It is **very** _small_ and `fast` too.", ["It is very small and fast too."]),
        ("The name is max_batch_tokens here.", ["The name is max_batch_tokens here."]),
        ("Break<br>the line <b>right</b> here.", None),
        ("Good. Fine. The third is long.", ["The third is long."]),
        ("Is it? Yes. It is long.", ["Yes. It is long."]),
        ("No you cannot. It is shut.", ["No you cannot. It is shut."]),
        ("See .status.phase of it. More.", ["See .status.phase of it."]),
        ("See `.status.X` and more of it.", ["See .status.X and more of it."]),
        ("Do this: 1) stop it now. 2) start it.", ["Do this: 1) stop it now. 2) start it."]),
        ("It takes approx. 5 hours.", ["It takes approx. 5 hours."]),
        ("!!! note\n    It is shut now.", ["It is shut now."]),
        ("/// tip | Short\n\nIt is shut now.\n\n///", ["It is shut now."]),
        ("Use the crane:\n\n{* ../crane.py *}", ["Use the crane."]),
        ("", []),
        ("\n \n\t\n", []),
    ],
    ids=[
        "two-sentences",
        "wrapped-line",
        "heading",
        "heading-between",
        "code-fence",
        "open-fence",
        "list",
        "numbered-list",
        "link-with-brackets",
        "link",
        "image",
        "emphasis",
        "underscores-in-a-name",
        "html",
        "labels",
        "yes",
        "no-you-cannot",
        "field",
        "field-in-code",
        "numbered",
        "abbreviation",
        "note",
        "tip",
        "include",
        "empty",
        "blank",
    ],
)
def test_markdown_is_read_as_text(text: str, found: list[str] | None) -> None:
    got = list(sentences(text))
    if found is None:
        assert got
        assert not any("](" in one or "<b" in one for one in got)
    else:
        assert got == found


def test_a_row_of_a_table_says_its_columns_and_rules_say_nothing() -> None:
    got = list(sentences("| Name | Wait in s |\n|:---|---:|\n| slow queue | 30 seconds |\n"))
    assert got == ["Name: slow queue; Wait in s: 30 seconds"]


CODE = "```\nx = 1\n```"


@pytest.mark.parametrize(
    ("text", "introduced", "is_whole"),
    [
        (f"Set the number so:\n{CODE}", CODE, True),
        (f"The number is set by\n\n{CODE}", CODE, True),
        (f"The number is set as follows.\n\n{CODE}", CODE, True),
        (f"The number is set.\n\n{CODE}", "", True),
        (f'The number is "set."\n\n{CODE}', "", True),
        ("Set the number so:\n~~~python\nx = [1]\n", "```python\nx = [1]\n```", True),
        ("Set the number so:\n```\n\n```", "", False),
        ("1. Set the number so\n   ```sh\n   a\n     b\n   ```", "```sh\na\n  b\n```", True),
        ("The parts are:\n* **one** of it\n  goes on\n* two", "* one of it goes on\n* two", True),
        ("- The parts are:\n  - one of it\n  - two\n- Another item here", None, True),
        ("- The parts are:\n- Another item here", "", False),
        ("- first item here\n- second item here", "", True),
        ("The parts of it are\n\n- one of it", "- one of it", True),
        ("The parts are:\n| a | b |\n|---|---|\n| c | <b>d</b> |", None, True),
        ("The parts are:\n\n# A heading\n\n- one", "", False),
        ("The parts are:\n\n---\n\n- one", "", False),
        ("First of all. The parts are:", "", False),
        ("部品は three parts です：\n- one", "- one", True),
    ],
)
def test_a_sentence_has_what_it_leads_into(
    text: str, introduced: str | None, is_whole: bool
) -> None:
    found = list(statements(text))
    lead = next((one for one in found if one.introduces or not one.is_whole), found[0])
    if introduced is not None:
        assert lead.introduces == introduced
    assert lead.is_whole == is_whole
    assert "**" not in lead.introduces
    assert "<b>" not in lead.introduces


def test_an_item_takes_along_what_is_indented_below_it() -> None:
    first, *_ = statements("- The parts are:\n  - one of it\n  - two\n- Another item here")
    assert first.quote == "The parts are:\n\n- one of it\n- two"


def test_a_label_at_the_end_leads_nowhere_for_the_sentence_before() -> None:
    [one] = statements(f"The number is set here. Example:\n\n{CODE}")
    assert (one.introduces, one.is_whole) == ("", True)


def test_abbreviations_and_numbers_do_not_end_a_sentence() -> None:
    [one] = sentences("Dr. Smith measured 3.5 seconds with version 2.60.1 of it.")
    assert one.startswith("Dr. Smith")
    assert one.endswith("of it.")


@pytest.mark.parametrize(
    "text",
    [
        "Der Überlauf wird mit 503 beantwortet. Größe zählt nicht.",
        "Кошка сидит на окне. Собака лежит у двери.",
        "Größe 🎉 counts as one here.",
        "l'été était très chaud ici.",
    ],
    ids=["german", "russian", "emoji", "french"],
)
def test_other_scripts_keep_their_characters(text: str) -> None:
    assert " ".join(sentences(text)) == text


def test_words_are_lower_case_and_keep_inner_marks() -> None:
    assert words("Don't set max-queue to v2.60, ok?") == [
        "don't",
        "set",
        "max-queue",
        "to",
        "v2.60",
        "ok",
    ]


def test_terms_are_stems_without_stop_words() -> None:
    assert terms("Which of the connected queues is connecting?") == terms("connect queue connects")
    assert terms("what is the") == []
    assert all(word == word.lower() for word in STOP_WORDS)


def test_a_compound_counts_as_its_parts() -> None:
    assert terms("a low-pressure cylinder") == terms("a low pressure cylinder")


def test_what_is_too_long_for_a_word_is_cut() -> None:
    assert terms("z" * 1000) == ["z" * 64]


def test_accents_make_no_other_word() -> None:
    assert terms("Robert of Jumièges") == terms("Robert of Jumieges")
    assert terms("Кошка") == terms("кошка") != terms("кошки")


def test_threads_do_not_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stemmer works on the word inside itself; a replica stems in several threads at once."""
    texts = [
        "relational connections generously",
        "cats running nationally",
        "hopefulness bled skies",
    ]
    expected = [terms(text) for text in texts] * 200
    monkeypatch.setattr(module, "_stem", module._stem.__wrapped__)
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(terms, texts * 200)) == expected
    finally:
        sys.setswitchinterval(interval_s)


@given(st.text(max_size=300))
def test_any_text_gives_sentences_of_at_least_three_words_and_fragments_of_one(text: str) -> None:
    for markup in ("markdown", "plain"):
        for statement in statements(text, markup):
            assert statement.text == statement.text.strip()
            assert "\n" not in statement.text
            assert len(words(statement.text)) >= (1 if statement.is_fragment else 3)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- Berth: 12\n- Lund", ["Berth: 12", "Lund"]),
        ("Berth: 12", ["Berth: 12"]),
        ("Berth: 12\nMaster: Lund\nFlag: red", ["Berth: 12; Master: Lund; Flag: red"]),
        ("Yes.", []),
        ("| pier | master |\n|---|---|\n| east | Lund |\n| west | |", None),
        ("## Fuel is sold at pier 4\n\n## Short one", ["Fuel is sold at pier 4"]),
        ("Title of it\n===\n\nThe text below it.", ["The text below it."]),
        ("船长在甲板上等候。午饭在十二点。", ["船长在甲板上等候。", "午饭在十二点。"]),
        ("白い船です。犬はどこにいますか？", ["白い船です。", "犬はどこにいますか？"]),
    ],
)
def test_short_facts_are_said(text: str, found: list[str] | None) -> None:
    expected = found if found is not None else ["pier: east; master: Lund", "pier: west"]
    assert list(sentences(text)) == expected


def test_a_fragment_is_said_with_the_heading_above_it() -> None:
    [inside, below] = statements("- Fuse: 6 A\n\n## Winch\n\n- Fuse: 10 A", label="Pump")
    assert (inside.quote, below.quote) == ("Pump - Fuse: 6 A", "Winch - Fuse: 10 A")
    [said] = statements("- Pump fuse: 6 A", label="Pump")
    assert said.quote == "Pump fuse: 6 A"
    [whole] = statements("The fuse has six amperes.", label="Pump")
    assert whole.quote == "The fuse has six amperes."


def test_a_long_record_is_said_line_by_line_with_its_name() -> None:
    lines = [f"Field {number}: {'value ' * 9}" for number in range(12)]
    got = list(sentences("\n".join(["Ship: Alken", *lines])))
    assert len(got) == 12
    assert all(one.startswith("Ship: Alken; Field") for one in got)


def test_in_plain_text_no_line_is_a_heading_a_table_or_code() -> None:
    text = "# of berths: 7\nHarbour: Vik\n\n```\nThis line is said too.\n\n| so | is | this |"
    got = [one.text for one in statements(text, "plain")]
    assert got[0] == "# of berths: 7; Harbour: Vik"
    assert any("This line is said too." in one for one in got)
    assert any("so | is | this" in one for one in got)


def test_what_follows_code_that_goes_on_is_said() -> None:
    text = "```sh continued\nmake all the things\n```\n\nIt takes seven attempts."
    [one] = statements(text)
    assert one.text == "It takes seven attempts."
