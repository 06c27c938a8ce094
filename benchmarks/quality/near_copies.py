"""Records that share a template, and questions about one of them: what tells it apart is a date, a
code, a number or a name. And pages of short facts: lists, tables, `key: value` lines.

All of it is made up by a generator with a seed, so that nobody has tuned anything to it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

from benchmarks.quality.datasets import CorpusDocument

_PLACES = "Alvik Brevik Drangsund Egersand Fosnes Grimvik Hestvoll Kalvik Lyngnes Moldvik".split()  # noqa: SIM905
_PEOPLE = (
    *("Astrid Vold", "Peder Lunde", "Kari Moen", "Ola Bergset", "Ingrid Sund", "Nils Aune"),
    *("Randi Vik", "Tor Haugen", "Sigrid Dahl", "Knut Eide", "Berit Foss", "Arne Lien"),
)
_THINGS = (
    *("brass elbow", "steel flange", "nylon bush", "rubber seal", "copper sleeve", "oak wedge"),
    *("glass tube", "iron hinge", "tin funnel", "lead weight", "zinc plate", "cork ring"),
)
_RESULTS = (
    *("passed", "refused", "postponed", "repeated", "withdrawn", "accepted", "disputed", "waived"),
)
_DEVICES = ("relay", "printer", "beacon", "camera", "turnstile", "boiler", "gauge", "siren")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the document that answers it, and what its answer holds; `wrong` are the same of
    the other records, of which it holds none."""

    kind: str
    text: str
    document: str
    gold: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Record:
    """A record before it is asked for."""

    text: str
    question: str
    gold: str
    title: str = ""


def make_near_copies(
    *, seed: int, questions: int = 200
) -> tuple[list[CorpusDocument], list[Asked]]:
    """Returns documents and the questions about them, the same for the same seed."""
    chance = random.Random(seed)
    documents: list[CorpusDocument] = []
    asked: list[Asked] = []
    for kind, records in _families(chance):
        for number, record in enumerate(records):
            name = f"{kind}-{number}"
            documents.append(CorpusDocument(name, record.title, record.text))
            # A value that stands in the question or in the right record too says nothing.
            wrong = {one.gold for one in records if one.gold not in record.text}
            asked.append(Asked(kind, record.question, name, record.gold, tuple(sorted(wrong))))
    for kind, document, facts in _pages(chance):
        documents.append(document)
        asked += [Asked(kind, question, document.id, gold, ()) for question, gold in facts]
    chance.shuffle(asked)
    return documents, asked[:questions]


def _families(chance: random.Random) -> Iterator[tuple[str, list[_Record]]]:
    yield (
        "date",
        [
            _Record(
                f"On {date} the ice class of the tug {ship} was surveyed by the northern "
                f"district, and the owner was told in writing that the survey was {result}.",
                f"What was the result of the survey of the tug {ship} on {date}?",
                result,
            )
            for ship in ("Bjorn", "Sleipner", "Ravn")
            for date, result in zip(_dates(chance), chance.sample(_RESULTS, 8), strict=True)
        ],
    )
    codes = [f"{a}-{b}-{c}" for a, b, c in permutations(("KX", "41", "07", "93"), 3)]
    chance.shuffle(codes)
    yield (
        "part",
        [
            _Record(f"Part {code} is a {thing}.", f"What is part {code}?", thing)
            for code, thing in zip(codes, _THINGS, strict=False)
        ],
    )
    versions = [".".join(digits) for digits in permutations("1247", 3)]
    yield (
        "release",
        [
            _Record(
                f"To install release {version} of the tide client on a ship, stop the old service, "
                f"copy the package to the bridge computer, and then set the port to {port}.",
                f"Which port is set for release {version} of the tide client?",
                str(port),
            )
            for version, port in zip(versions, chance.sample(range(7000, 7999), 24), strict=True)
        ],
    )
    addresses = [".".join(("10", *numbers)) for numbers in permutations(("0", "2", "12", "21"), 3)]
    yield (
        "address",
        [
            _Record(
                f"The host {address} runs the {device} of {place} and is restarted every night.",
                f"Of which place does the host {address} run the {device}?",
                place,
            )
            for place, address, device in zip(
                _PLACES, chance.sample(addresses, 10), _DEVICES * 2, strict=False
            )
        ],
    )
    yield (
        "person",
        [
            _Record(
                f"The lease of the boathouse between the town and {person} runs for {years} months "
                "and may be ended by either side in writing at the end of any quarter of the year.",
                f"For how many months does the lease with {person} run?",
                str(years),
            )
            for person, years in zip(_PEOPLE, chance.sample(range(13, 97), 12), strict=True)
        ],
    )
    yield (
        "invoice",
        [
            _Record(
                f"Invoice {4100 + number} from the chandler in {chance.choice(_PLACES)} over "
                f"{crowns} crowns was paid by bank transfer, after the harbour master had signed "
                "the note.",
                f"How many crowns was invoice {4100 + number}?",
                str(crowns),
            )
            for number, crowns in enumerate(chance.sample(range(500, 999), 38))
        ],
    )


def _dates(chance: random.Random) -> list[str]:
    """Returns dates of which several have the same parts in another order."""
    days = chance.sample(range(1, 13), 4)
    pairs = [(days[0], days[1]), (days[1], days[0]), (days[2], days[3]), (days[3], days[2])]
    return [f"{year}-{month:02d}-{day:02d}" for year in (2031, 2032) for month, day in pairs]


def _pages(
    chance: random.Random,
) -> Iterator[tuple[str, CorpusDocument, list[tuple[str, str]]]]:
    for place in _PLACES:
        device = chance.choice(_DEVICES)
        port, fuse = chance.randrange(1000, 9999), chance.randrange(6, 32)
        owner, vendor = chance.sample([person.split()[1] for person in _PEOPLE], 2)
        about = f"the {device} of {place}"
        facts = [
            (f"What is the port of {about}?", str(port)),
            (f"Who is the owner of {about}?", owner),
            (f"Who is the vendor of {about}?", vendor),
            (f"What is the fuse of {about}?", f"{fuse} A"),
        ]
        lines = (f"Port: {port}", f"Owner: {owner}", f"Vendor: {vendor}", f"Fuse: {fuse} A")
        title = f"{device.capitalize()} of {place}"
        yield "list", _page(f"list-{place}", title, "\n".join(f"- {line}" for line in lines)), facts
        rows = ("\n| {} | {} |".format(*line.split(": ")) for line in lines)
        table = "| setting | value |\n|---|---|" + "".join(rows)
        other = title.replace(" of ", " north of ")
        moved = f" north of {place}"
        asked = [(question.replace(f" of {place}", moved), gold) for question, gold in facts]
        yield "table", _page(f"table-{place}", other, table), asked


def _page(name: str, title: str, text: str) -> CorpusDocument:
    return CorpusDocument(name, title, text)
