"""Made-up documents of two tenants and questions about them, the same ones every time."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from deployments.contracts.documents import Chunk, Scalar, chunk_id
from deployments.contracts.search import Filter, SearchMode
from deployments.contracts.tenants import Access

_SYLLABLES = ("ba", "de", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "ze", "gor", "lin")
_KINDS = ("manual", "ticket", "report")


@dataclass(frozen=True)
class Asked:
    """A question as somebody asks it."""

    text: str
    access: Access
    mode: SearchMode
    where: Filter | None
    top_k: int
    reach: int


def vocabulary(count: int = 900) -> list[str]:
    """Returns different words, those that are frequent first."""
    draw = random.Random(11)
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4)))] = None
    return list(words)


def made_up_chunks(documents: int = 400) -> list[Chunk]:
    """Returns chunks of documents of very different lengths; some say the same, some have codes,
    and every third is another tenant's."""
    draw = random.Random(12)
    words = vocabulary()
    weights = [1 / (place + 3) for place in range(len(words))]
    chunks: list[Chunk] = []
    for number in range(documents):
        name = f"acme/doc-{number}" if number % 3 == 0 else f"doc-{number}"
        acl = frozenset({"staff"}) if number % 9 == 0 else None
        metadata: dict[str, Scalar] = {
            "kind": draw.choice(_KINDS),
            "year": draw.randint(2015, 2026),
        }
        for ordinal in range(draw.randint(1, 6)):
            text = " ".join(draw.choices(words, weights, k=draw.randint(4, 90)))
            if draw.random() < 0.1:
                text = chunks[-1].text if chunks else text
            if draw.random() < 0.1:
                text += f" See AB-{number % 40}-{ordinal} and v{number % 7}.{ordinal}.1."
            chunks.append(
                Chunk(
                    *(chunk_id(name, ordinal), name, ordinal, text, f"{number}.md", ""),
                    heading=f"Part {ordinal // 3}",
                    metadata=metadata,
                    acl=acl,
                )
            )
    return chunks


def made_up_questions(count: int = 500) -> Iterator[Asked]:
    """Yields questions: of words, with misspelled ones, codes and quoted phrases, with filters, of
    each tenant and of groups, in each mode."""
    draw = random.Random(13)
    words = vocabulary()
    weights = [1 / (place + 3) ** 0.5 for place in range(len(words))]
    texts = [chunk.text.split() for chunk in made_up_chunks()]
    for _ in range(count):
        asked = draw.choices(words, weights, k=draw.randint(1, 9))
        if draw.random() < 0.2:
            place = draw.randrange(len(asked))
            asked[place] = asked[place][:-1] + "x"
        text = " ".join(asked)
        if draw.random() < 0.2:
            said = draw.choice(texts)
            first = draw.randrange(len(said))
            text += f' "{" ".join(said[first : first + 3])}"'
        if draw.random() < 0.15:
            text += f" AB-{draw.randrange(40)}-{draw.randrange(6)}"
        if draw.random() < 0.1:
            text = f"What is {text} for the US?"
        yield Asked(
            text,
            draw.choice((Access(), Access(), Access("acme"), Access("acme", frozenset({"staff"})))),
            draw.choice(("hybrid", "hybrid", "dense", "lexical")),
            draw.choice((None, None, {"kind": "manual"}, {"year": {"$gte": 2021}})),
            draw.choice((3, 10, 40, 80)),
            draw.choice((0, 0, 1)),
        )
