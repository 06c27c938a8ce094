"""What a sentence is taken apart into."""

from deployments.generator.extractive.reading.analysis import analyse_passage, analyse_sentence


def test_terms_stand_with_their_places_among_all_words() -> None:
    sentence = analyse_sentence("The queue of a full queue-holder")
    assert sentence.words == ("the", "queue", "of", "a", "full", "queue", "holder")
    assert sentence.sequence == (("queue", 1), ("full", 4), ("queue", 5), ("holder", 6))
    assert sentence.places == {"queue": [1, 5], "full": [4], "holder": [6]}
    assert sentence.terms == {"queue", "full", "holder"}
    assert sentence.stems == {"the", "queue", "of", "a", "full", "holder"}


def test_names_are_capitalised_inside_the_sentence() -> None:
    assert analyse_sentence("Towers of Paris and Rome are tall").names == {"pari", "rome"}
    assert analyse_sentence("WHO BUILT THE TOWER OF PARIS?").names == frozenset()
    assert analyse_sentence("who built the tower of paris?").names == frozenset()
    assert analyse_sentence("Who explained Newton's laws?").names == {"newton"}


def test_numbers_are_words_with_a_digit() -> None:
    assert analyse_sentence("In 1889 it had 2.5 million visitors, the 3rd year").numbers == {
        "1889",
        "2.5",
        "3rd",
    }


def test_negation_is_seen_in_every_form() -> None:
    for text in ("It is not full", "It isn't full", "It cannot be full", "It never fills"):
        assert analyse_sentence(text).is_negated, text
    assert not analyse_sentence("The knot is another notion").is_negated


def test_a_passage_knows_words_outside_its_sentences() -> None:
    """Headings and code are no sentences, yet they say what the passage is about."""
    passage = analyse_passage("# Limits\n\nThe queue holds forty entries.\n\n```\nshutdown\n```\n")
    assert [one.text for one in passage.sentences] == ["The queue holds forty entries."]
    assert {"limit", "queue", "shutdown"} <= passage.terms
    assert passage.word_count == 7
    assert analyse_passage("").sentences == ()
