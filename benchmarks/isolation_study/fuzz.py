"""The course of the requests, and what of the answers is somebody else's."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx

from benchmarks.isolation_study.asking import CHANGES, READS, delete, upload, write
from benchmarks.isolation_study.party import Party

_WRITES_RATIO = 0.2
_DELETES_RATIO = 0.1
_CHANGES_RATIO = 0.1
_NOT_FOUND = 404


@dataclass
class Findings:
    """What was seen.

    Attributes:
        requests: How many were sent.
        statuses: How they were answered.
        leaks: Answers with a word of somebody else, and other signs of somebody else's documents.
        lost: Documents that a party should have had at the end, or should not.
    """

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether nobody saw or changed anything of others."""
        return not self.leaks and not self.lost


class Fuzz:
    """Sends random requests of several parties in turns.

    Args:
        parties: Who asks; prepared.
        seed: The same seed sends the same requests, as far as ids are the same.
    """

    def __init__(self, parties: Sequence[Party], *, seed: int = 0) -> None:
        self._parties = parties
        self._draw = random.Random(seed)
        self._secrets = {
            word: party.name
            for party in parties
            if party.owns
            for word in (party.secret, party.closed_secret)
            if word
        }
        self.findings = Findings()

    async def run(self, count: int, *, done: Callable[[], None] = lambda: None) -> Findings:
        """Sends so many requests, then looks at what each party has left.

        Args:
            count: How many.
            done: Called after each.
        """
        for _ in range(count):
            await self._step(self._draw.choice(self._parties))
            done()
        for party in self._parties:
            if party.owns:
                await self._look(party)
        return self.findings

    async def _step(self, party: Party) -> None:
        chance = self._draw.random()
        if not party.owns or chance >= _WRITES_RATIO + _DELETES_RATIO + _CHANGES_RATIO:
            await self._send(party, self._draw.choice(READS)(self._draw, party, self._parties))
        elif chance < _DELETES_RATIO:
            name, request = delete(self._draw, party, self._parties)
            response = await self._send(party, request)
            if response.is_success:
                party.there.discard(name)
        elif chance < _DELETES_RATIO + _CHANGES_RATIO:
            await self._send(party, self._draw.choice(CHANGES)(self._draw, party, self._parties))
        elif self._draw.random() < 0.2:
            response = await self._send(party, upload(party))
            if response.is_success:
                party.there.add(str(response.json()["outcomes"][0]["document_id"]))
        else:
            name, request = write(self._draw, party)
            if (await self._send(party, request)).is_success:
                party.there.add(name)

    async def _send(self, party: Party, request: httpx.Request) -> httpx.Response:
        response = await party.client.send(request)
        self.findings.requests += 1
        self.findings.statuses[response.status_code] += 1
        seen = response.text + str(response.headers)
        where = f"{party.name}: {request.method} {request.url.raw_path.decode()}"
        for word, owner in self._secrets.items():
            if word in seen and word not in party.may_see:
                self.findings.leaks.append(f"{where}: {response.status_code} has a word of {owner}")
        name = request.url.path.rsplit("/", 1)[-1]
        is_own = name in party.there or name in party.file_ids or name in party.batch_ids
        others = (one for one in self._parties if one is not party and one.owns)
        is_foreign = party.owns and not is_own and any(name in one.own_ids for one in others)
        if is_foreign and response.status_code != _NOT_FOUND:
            self.findings.leaks.append(f"{where}: {response.status_code} for a foreign id")
        return response

    async def _look(self, party: Party) -> None:
        """Compares what a party has with what it should have."""
        listed: set[str] = set()
        cursor: dict[str, str] = {}
        while True:
            page = (await party.client.get("/v1/documents", params=cursor)).json()
            listed |= {str(document["id"]) for document in page["documents"]}
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        differing = listed ^ party.there
        self.findings.lost += [f"{party.name}: {name}" for name in sorted(differing)]
        store = (await party.client.get("/v1/vector_stores/vs_default")).json()
        if store["file_counts"]["total"] != len(listed):
            self.findings.lost.append(f"{party.name}: {store['file_counts']} of {len(listed)}")
