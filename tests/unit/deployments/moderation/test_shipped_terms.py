"""The list that comes with the service: it finds what it is for, and nothing in harmless texts."""

import gzip
import json
from pathlib import Path
from typing import get_args

import pytest

from deployments.moderation.blocklist import Blocklist
from deployments.moderation.folding import Folding, folded_words
from deployments.moderation.shipped_terms import ShippedList, shipped_terms

HARMLESS = [
    "Scunthorpe General Hospital",
    "Penistone Community Church",
    "Lightwater Country Park",
    "Jimmy Clitheroe",
    "Horniman Museum",
    "shitake mushrooms",
    "Craig Cockburn, Software Specialist",
    "Dr. Herman I. Libshitz",
    "magna cum laude",
    "Super Bowl XXX",
    "medieval erection of parapets",
    "Tyson Gay and Dick Van Dyke",
    "a cock and a bitch of good breed, and a jackass",
    "A chink in the armour; retard the ignition; kaffir lime leaves",
    "pussy willow, a Maine Coon, faggots in gravy",
    "Wankel engines",
]
WRONGLY = "The town of Fucking is called Fugging now."


def blocklist(name: ShippedList = "english") -> Blocklist:
    return Blocklist({"list": shipped_terms(name)})


def data(folder: Path, name: str) -> bytes:
    path = folder / name
    if not path.is_file():
        pytest.skip(f"no sample file {name}")
    return path.read_bytes()


@pytest.mark.parametrize("name", get_args(ShippedList))
def test_every_term_is_one_and_stands_there_once(name: ShippedList) -> None:
    terms = shipped_terms(name)
    folded = [folded_words(term, Folding()) for term in terms]
    assert all(folded)
    assert len(set(folded)) == len(terms)
    assert list(terms) == sorted(terms)
    found = blocklist(name)
    assert all(found.categories(f"You {term}!") for term in terms)


@pytest.mark.parametrize("text", HARMLESS)
def test_it_finds_nothing_in_harmless_texts(text: str) -> None:
    assert not blocklist().categories(text)


def test_it_goes_by_words_alone() -> None:
    """What it costs: the old name of a town is found."""
    assert blocklist().categories(WRONGLY)


def test_it_refuses_no_answer_of_squad(shared_data: Path) -> None:
    content = gzip.decompress(data(shared_data, "squad2_half/qa.jsonl.gz")).decode()
    rows = [json.loads(line) for line in content.split("\n") if line]
    texts = {text for row in rows for text in (row["question"], *row["answers"])}
    assert len(texts) > 5_000
    found = blocklist()
    assert [text for text in texts if found.categories(text)] == []


def test_it_refuses_none_of_the_naughty_strings(shared_data: Path) -> None:
    lines = data(shared_data, "blns/strings.jsonl").decode().split("\n")
    texts = [json.loads(line)["text"] for line in lines if line]
    assert len(texts) > 500
    found = blocklist()
    assert [text for text in texts if found.categories(text)] == []
