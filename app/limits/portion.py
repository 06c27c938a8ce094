"""A portion of a budget: what a replica holds of it, so that a request need not ask for its part.

All of it happens in memory and under the book's lock. What requests draw moves from `free` to
`in_use`, so that the whole is what the database has on record until the next telling.
"""

from deployments.budgets.contract import NOTHING, Amount, Place, PortionNews, PortionState

IDLE_S = 5.0
"""What no request has drawn from for so long keeps nothing free."""
_ENDS_S = 600.0
"""After so long without a request it is told of for the last time, and forgotten."""
_ROOM = 8
"""A portion keeps room for so many requests like the last ones, and for as many again as are under
way."""
_CALLED_S = 3.0
"""So long nothing is kept free after somebody has asked for it."""
_KNOWN_S = 43_200.0
"""A portion that was heard of within this time is nowhere forgotten yet: if it is not there, what
was written last was lost with the database's machine, and it may be begun anew."""


class Portion:
    """What a replica holds of one budget.

    Args:
        id: Names it among all.
        holder: The replica.
        place: The budget.
        price_version: By which prices amounts are reckoned.
        now_s: Monotonic clock, as in all of its methods.
    """

    __slots__ = (
        *("id", "holder", "place", "price_version", "in_use", "free", "spent", "is_gone"),
        *("closes", "is_over", "_number", "_most", "_usual", "_called", "_exact_until_s"),
        *("_drawn_s", "_heard_s", "_asks_more", "_settled", "_untold"),
    )

    def __init__(
        self, id: str, holder: str, place: Place, price_version: str, now_s: float
    ) -> None:
        self.id = id
        self.holder = holder
        self.place = place
        self.price_version = price_version
        self.in_use = self.free = self.spent = NOTHING
        self.is_gone = False
        self.closes = False
        self.is_over = False
        self._number = 0
        self._most = self._usual = NOTHING
        self._called: int | None = None
        self._exact_until_s = now_s
        self._drawn_s = now_s
        self._heard_s: float | None = None
        self._asks_more = False
        self._settled = self._untold = 0

    def covers(self, amount: Amount) -> bool:
        """Returns whether a request can have an amount without asking."""
        return self.is_over or self.place.has_room(self.free, amount)

    def draw(self, amount: Amount) -> None:
        """Gives an amount to a request; it must be covered."""
        if not self.is_over:
            self.free -= self.place.bounded(amount)
        self.in_use += amount

    def take(self, amount: Amount) -> None:
        """Notes that a request has got an amount by asking."""
        self.in_use += amount

    def note_request(self, amount: Amount, now_s: float) -> None:
        """Notes what requests are like, and that there are some."""
        usual = self._usual
        kept = Amount(usual.picousd * 7 // 8, usual.tokens * 7 // 8)
        self._usual = self.place.bounded(amount).at_least(kept)
        self._drawn_s = now_s

    def put_back(self, amount: Amount) -> None:
        """Ends the use of an amount that came to nothing."""
        self.in_use -= amount
        self._keep(amount)

    def settle(self, amount: Amount, spent: Amount) -> None:
        """Ends the use of an amount, or of nothing, and notes what was spent beside what was known.
        What is left over serves the next request, unless little is left of the budget."""
        self.in_use -= amount
        self.spent += spent
        self._keep(amount - spent)
        self._settled += 1

    @property
    def is_exact(self) -> bool:
        """Whether too little is left of the budget to keep anything free: others wait for what
        comes back."""
        return not (self.is_over or self._may_keep())

    def move_to(self, place: Place) -> bool:
        """Holds to other limits from now on; returns whether they are others. What is free was
        granted by the old ones, and is given back."""
        if place == self.place:
            return False
        self.place = place
        self.free = self._most = NOTHING
        self.is_over = False
        return True

    def is_low(self) -> bool:
        """Returns whether it is to be told of before requests have to ask; once, until it is."""
        if self._asks_more or not self._may_keep():
            return False
        low, most = self._usual + self._usual, self._most
        low = self.place.bounded(low.at_most(Amount(most.picousd // 2, most.tokens // 2)))
        self._asks_more = not self.place.has_room(self.free, low)
        return self._asks_more

    def is_due(self, now_s: float) -> bool:
        """Returns whether it is to be told of although no request has done anything: what is free
        must follow what is left of the budget, and be given back where nobody needs it."""
        return self.free != NOTHING or self._may_end(now_s)

    def tell(self, now_s: float, *, offers: bool) -> PortionState:
        """Returns the next telling.

        Args:
            now_s: See the class.
            offers: Whether all that is free is given back: a request asks for what it does not
                cover.
        """
        goal = self._goal(now_s)
        free = NOTHING if offers else self.free.at_most(goal.at_most(self._most))
        self.free = free if self.place.has_room(free, self._usual) else NOTHING
        self._number += 1
        self._asks_more = False
        self._untold += self._settled
        self._settled = 0
        return PortionState(
            id=self.id,
            holder=self.holder,
            place=self.place,
            number=self._number,
            in_use=self.in_use,
            free=self.free,
            spent=self.spent,
            wants=(goal - self.free).at_least(NOTHING),
            least=self._usual,
            may_be_new=self._heard_s is None or now_s - self._heard_s < _KNOWN_S,
            ends=self._may_end(now_s),
            price_version=self.price_version,
        )

    def hear(self, state: PortionState, news: PortionNews, now_s: float) -> bool:
        """Takes in what became of a telling; returns whether it is to be told of again at once."""
        self._heard_s = now_s
        if news.was != "held":
            self.is_gone = not state.ends
        if self.is_gone:
            self.free = NOTHING
            return False
        if state.place is not self.place:
            return True  # the limits have changed meanwhile: what was granted is not kept
        self._most = news.most
        self.is_over = news.is_over
        was_called = self._called is not None and news.called != self._called
        self._called = news.called
        if was_called:
            self._exact_until_s = now_s + _CALLED_S
        if was_called or self.is_over:
            self.free = NOTHING
            return state.free != NOTHING or news.granted != NOTHING
        self.free += news.granted
        return False

    def take_untold(self) -> int:
        """Returns how many requests were settled by the telling that was heard of last."""
        untold, self._untold = self._untold, 0
        return untold

    def _goal(self, now_s: float) -> Amount:
        """Returns what it would like to have free."""
        if (
            self.is_gone
            or self.closes
            or self.is_over
            or now_s < self._exact_until_s
            or now_s - self._drawn_s >= IDLE_S
        ):
            return NOTHING
        usual = self._usual
        room = Amount(usual.picousd * _ROOM, usual.tokens * _ROOM)
        return self.place.bounded(room.at_least(self.in_use))

    def _keep(self, amount: Amount) -> None:
        if self._may_keep():
            self.free = (self.free + self.place.bounded(amount)).at_least(NOTHING)

    def _may_keep(self) -> bool:
        """Returns whether enough is left of the budget to keep something free."""
        return not (self.is_over or self.is_gone) and self.place.has_room(self._most, self._usual)

    def _may_end(self, now_s: float) -> bool:
        if self.in_use != NOTHING:
            return False
        return self.closes or self.is_gone or now_s - self._drawn_s >= _ENDS_S
