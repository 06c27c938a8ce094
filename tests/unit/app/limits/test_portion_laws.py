"""Replicas that draw, ask, settle, lose answers and die at random: a budget is never exceeded, and
what was spent is the sum of what was settled."""

import random
from pathlib import Path

import pytest

from app.limits.budget_counts import BudgetCounts
from app.limits.portions import Ask, Portions, Reservation
from deployments.budgets.contract import Amount, Need, Place
from deployments.budgets.store import BudgetStore

DAY = Place("key:k", "2026-11-29", 1e9, limit_picousd=60_000)
TENANT = Place("tenant:t", "2026-11", 2e9, limit_picousd=50_000, limit_tokens=10**6)
STEPS = 400


class Replica:
    """A replica without threads: each step is one that the loop or the writer could take."""

    def __init__(self, name: str, store: BudgetStore, chance: random.Random) -> None:
        self.name = name
        self._store = store
        self._chance = chance
        self._now_s = 0.0
        self._portions = Portions(name, lambda: self._now_s)
        self._portions.hold_until(1e9)
        self._open: list[Reservation] = []
        self.settled = 0
        self.admitted = self.refused = self.drawn = 0

    def step(self) -> None:
        """Does something at random."""
        self._now_s += self._chance.random()
        choice = self._chance.random()
        if choice < 0.5:
            self.begin()
        elif choice < 0.9:
            self.end()
        else:
            self._portions.look_after()
            self.tell()

    def begin(self) -> None:
        """Begins a request."""
        amount = Amount(self._chance.choice((50, 500, 3000)), 10)
        reservation, lacking, _ = self._portions.draw((DAY, TENANT), amount, "v1")
        self.drawn += not lacking
        if not lacking or self.tell(Ask(tuple(lacking), amount)):
            self._open.append(reservation)
            self.admitted += 1
            return
        self._portions.undo(reservation, lacking)
        self.refused += 1

    def end(self) -> None:
        """Ends a request, and tells of it now or later."""
        if self._open:
            one = self._open.pop(self._chance.randrange(len(self._open)))
            spent = Amount(self._chance.randint(0, one.amount.picousd), 3)
            self._portions.settle(one, spent)
            self.settled += spent.picousd
            if self._chance.random() < 0.7:
                self.tell()

    def tell(self, *asks: Ask) -> bool:
        """Tells all; returns whether what was asked for was given. Now and then the answer, or the
        whole, is lost."""
        telling = self._portions.tell(asks)
        needs = [Need(tuple(one.id for one in ask.portions), ask.amount) for ask in asks]
        luck = self._chance.random()
        if luck < 0.1:
            self._portions.keep(telling)
            return False
        news, met = self._store.tell(telling.states, needs)
        if luck < 0.2:
            self._portions.keep(telling)
            return False
        if self._portions.hear(telling, news, asks, met, BudgetCounts()):
            self.tell()
        return all(one.refused_by is None and not one.is_gone for one in met)

    def close(self) -> None:
        """Ends everything, and tells of it until it is heard."""
        while self._open:
            self.end()
        self._portions.close()
        while (telling := self._portions.tell(())).states:
            news, _ = self._store.tell(telling.states)
            self._portions.hear(telling, news, (), (), BudgetCounts())


@pytest.mark.parametrize("seed", range(4))
def test_budgets_hold_whatever_happens(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    store = BudgetStore(f"sqlite:///{tmp_path / 'control.db'}")
    store.upgrade()
    replicas = [Replica(f"r{number}", store, chance) for number in range(4)]
    for _ in range(STEPS):
        chance.choice(replicas).step()
        for place in (DAY, TENANT):
            standing = store.standing(*place.key)
            assert place.limit_picousd is not None
            assert standing.spent_picousd + standing.reserved_picousd <= place.limit_picousd
            assert standing.free_picousd <= standing.reserved_picousd
    for replica in replicas:
        replica.close()
    for place in (DAY, TENANT):
        standing = store.standing(*place.key)
        assert standing.spent_picousd == sum(replica.settled for replica in replicas)
        assert (standing.reserved_picousd, standing.free_picousd) == (0, 0)
    assert sum(replica.drawn for replica in replicas) > 0
    store.close()


def test_a_budget_is_used_to_its_end(tmp_path: Path) -> None:
    chance = random.Random(7)
    store = BudgetStore(f"sqlite:///{tmp_path / 'control.db'}")
    store.upgrade()
    replicas = [Replica(f"r{number}", store, chance) for number in range(4)]
    for _ in range(4 * STEPS):
        chance.choice(replicas).step()
    for replica in replicas:
        replica.close()
    assert sum(replica.refused for replica in replicas) > 0
    # The smallest requests ask for 50; what others hold may be as much again for each.
    assert 50_000 - store.standing(*TENANT.key).spent_picousd <= 3_000
    store.close()
