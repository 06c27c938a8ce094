"""A store of made-up documents that a follower reads, and questions on them.

Vectors are mixtures of directions that few subjects share, as those of texts are: a vector drawn at
random is near nothing, and whatever finds the nearest of such vectors finds noise.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np

from deployments.contracts.documents import Chunk, DocumentRecord, chunk_id
from deployments.contracts.vectors import Vectors
from deployments.retriever.chroma.change_log import WriterLog
from deployments.retriever.chroma.versions import Version

DIMENSION = 384
DOCUMENT_CHUNKS = 10
_CHUNK_WORDS = 120
_WORDS = 200_000
_CONSONANTS, _VOWELS = "bdfgjklmnprstvz", "aeiou"
_SUBJECTS = 20_000
_FACETS = 4
_OWN_SHARE = 0.35
_QUESTION_WORDS = 5
_FREQUENT_WORDS = 30
"""So many are stop words, which questions do not hold."""


class MadeUpSource:
    """Documents of ten chunks; what each says follows from its number.

    Args:
        documents: How many.
    """

    def __init__(self, documents: int) -> None:
        self._documents = documents
        draw = np.random.default_rng(1)
        self._subjects = _unit(draw.normal(size=(_SUBJECTS, DIMENSION)).astype(np.float32))

    def identity(self) -> str:
        """Returns what tells this collection from others."""
        return f"made-up-{self._documents}"

    def numbers(self) -> Mapping[str, int]:
        """Returns how many changes each writer has announced."""
        return {"writer": 1}

    def logs(self) -> Mapping[str, WriterLog]:
        """Returns what each writer changed last."""
        return {"writer": WriterLog(1, ())}

    def versions(self, document_ids: Sequence[str] | None = None) -> dict[str, Version]:
        """Returns the versions of those documents that are there, or of all."""
        numbers = range(self._documents) if document_ids is None else map(_number, document_ids)
        return {f"document-{number}": _version(number) for number in numbers}

    def chunks(self, versions: Mapping[str, Version]) -> Iterator[tuple[list[Chunk], Vectors]]:
        """Yields the chunks of documents."""
        for document_id in versions:
            yield _chunks(document_id), self.vectors(_number(document_id), DOCUMENT_CHUNKS)

    def vectors(self, seed: int, count: int) -> Vectors:
        """Returns vectors of length 1, (count, dim)."""
        draw = np.random.default_rng((2, seed))
        places = np.minimum(draw.zipf(1.2, (count, _FACETS)), _SUBJECTS) - 1
        shares = draw.dirichlet(np.ones(_FACETS), count).astype(np.float32)
        mixed = _unit(np.einsum("nf,nfd->nd", shares, self._subjects[places]))
        own = _unit(draw.normal(size=(count, DIMENSION)).astype(np.float32))
        return _unit((1 - _OWN_SHARE) * mixed + _OWN_SHARE * own)

    def questions(self, count: int, *, seed: int) -> tuple[list[str], Vectors]:
        """Returns questions of a few words that texts hold, and vectors near some of theirs."""
        draw = np.random.default_rng((3, seed))
        drawn = draw.zipf(1.3, 100 * count * _QUESTION_WORDS)
        drawn = drawn[(drawn > _FREQUENT_WORDS) & (drawn < _WORDS)]
        words = drawn[: count * _QUESTION_WORDS].reshape(count, _QUESTION_WORDS)
        texts = [" ".join(map(_word, row)) for row in words.tolist()]
        return texts, self.vectors(10**7 + seed, count)


def _version(number: int) -> Version:
    name = f"document-{number}"
    record = DocumentRecord(name, f"{number}.md", "", name, DOCUMENT_CHUNKS, "2026", number)
    return Version(record, f"{number:032x}", is_announced=True)


def _number(document_id: str) -> int:
    return int(document_id.rpartition("-")[2])


def _chunks(document_id: str) -> list[Chunk]:
    number = _number(document_id)
    draw = np.random.default_rng((4, number))
    drawn = np.minimum(draw.zipf(1.3, DOCUMENT_CHUNKS * _CHUNK_WORDS), _WORDS).tolist()
    return [
        Chunk(
            chunk_id(document_id, ordinal),
            document_id,
            ordinal,
            " ".join(
                _word(number)
                for number in drawn[ordinal * _CHUNK_WORDS : (ordinal + 1) * _CHUNK_WORDS]
            ),
            f"{number}.md",
            f"Document {number}",
            heading=f"Part {ordinal}",
            metadata={"team": f"team-{number % 7}"},
        )
        for ordinal in range(DOCUMENT_CHUNKS)
    ]


@cache
def _word(number: int) -> str:
    """Returns a word that looks like one: syllables."""
    syllables = []
    while True:
        number, place = divmod(number, len(_CONSONANTS) * len(_VOWELS))
        consonant, vowel = divmod(place, len(_VOWELS))
        syllables.append(_CONSONANTS[consonant] + _VOWELS[vowel])
        if not number:
            return "".join(syllables)


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
