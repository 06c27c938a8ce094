"""Terms that a text may not hold, found while it is written, and nothing held back in vain.

The state of an automaton over the folded text is the longest piece at its end that may still become
a term. Exactly that is undecided; everything before it is not. A term is whole words: it begins
behind a boundary, and is complete with the boundary after it.

Source: Aho and Corasick, Efficient string matching: an aid to bibliographic search, CACM 1975.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from deployments.moderation.findings import Finding
from deployments.moderation.folding import SPACE, Folding, folded_words

_SHIFT = 21
"""Bits of a code point; above them stands the state that an edge leaves."""


class Blocklist:
    """The automaton of some lists; holds no text, so that all streams share one.

    Building takes time and memory in proportion to the characters of all terms: about 0.4 s and
    30 MB for 10,000 terms.

    Args:
        lists: Terms by category.
        look_alikes: As for `Folding`.

    Raises:
        ValueError: a term holds neither letter nor digit.
    """

    def __init__(self, lists: Mapping[str, Iterable[str]], *, look_alikes: bool = False) -> None:
        self.folding = Folding(look_alikes=look_alikes)
        self.edges: dict[int, int] = {}
        self.fallbacks = [0]
        self.depths = [0]
        self.completes: dict[int, tuple[tuple[int, str], ...]] = {}
        """By state, the terms that are complete in it: the length of each with its boundaries, and
        its category."""
        self._children: list[list[tuple[int, int]]] = [[]]
        self._words: list[tuple[str, str]] = []
        for category, terms in lists.items():
            for term in terms:
                self._add(term, category)
        self._link()
        self._children = []
        self._table = _Spelling(self.folding)
        self._by_first: dict[str, list[tuple[list[str], str]]] = {}
        for words, category in dict.fromkeys(self._words):
            first, *rest = words.split()
            self._by_first.setdefault(first, []).append((rest, category))
        self.beginning = self.edges.get(SPACE, 0)
        """The state at the beginning of a text, which is a boundary."""
        self.max_depth = max(self.depths)

    def find(self, text: str) -> Sequence[Finding]:
        """Returns the terms of a whole text in the order of their ends."""
        stream = BlocklistStream(self, stops=False)
        stream.feed(text)
        stream.finish()
        return stream.found

    def categories(self, text: str) -> set[str]:
        """Returns the categories of what `find` finds, which takes a tenth of its time: most words
        are the first of no term."""
        words = text.translate(self._table).split()
        found: set[str] = set()
        for place, word in enumerate(words, 1):
            for rest, category in self._by_first.get(word, ()):
                if words[place : place + len(rest)] == rest:
                    found.add(category)
        return found

    def _add(self, term: str, category: str) -> None:
        words = folded_words(term, self.folding)
        if not words:
            raise ValueError(f"the term {term!r} has neither letter nor digit")
        self._words.append((words, category))
        state = 0
        for unit in map(ord, f" {words} "):
            key = state << _SHIFT | unit
            following = self.edges.get(key)
            if following is None:
                following = self.edges[key] = len(self.depths)
                self._children[state].append((unit, following))
                self._children.append([])
                self.depths.append(self.depths[state] + 1)
                self.fallbacks.append(0)
            state = following
        known = self.completes.get(state, ())
        entry = (self.depths[state], category)
        self.completes[state] = known if entry in known else (*known, entry)

    def _link(self) -> None:
        """Gives each state the next shorter one: the longest other state at its end."""
        waiting = deque([0])
        while waiting:
            state = waiting.popleft()
            for unit, child in self._children[state]:
                waiting.append(child)
                if state:
                    fallback = self.follow(self.fallbacks[state], unit)
                    self.fallbacks[child] = fallback
                    if fallback in self.completes:
                        own = self.completes.get(child, ())
                        self.completes[child] = own + self.completes[fallback]

    def follow(self, state: int, unit: int) -> int:
        """Returns the state after one more folded unit."""
        edges, fallbacks = self.edges, self.fallbacks
        while True:
            following = edges.get(state << _SHIFT | unit)
            if following is not None:
                return following
            if not state:
                return 0
            state = fallbacks[state]


class _Spelling(dict[int, str]):
    """A folding as `str.translate` takes it."""

    def __init__(self, folding: Folding) -> None:
        super().__init__()
        self._folding = folding

    def __missing__(self, code: int) -> str:
        folded = self[code] = "".join(map(chr, self._folding[chr(code)]))
        return folded


class BlocklistStream:
    """One text on its way through a `Blocklist`; a `StreamCheck`.

    Args:
        blocklist: Says what is a term.
        stops: Whether the first term ends it: what stands behind is not looked at.
    """

    def __init__(self, blocklist: Blocklist, *, stops: bool = True) -> None:
        self.found: list[Finding] = []
        self._list = blocklist
        self._stops = stops
        self._state = blocklist.beginning
        self._length = 0
        self._was_space = True
        self._offsets: deque[int] = deque(maxlen=blocklist.max_depth + 1)
        """Where the characters stand that the last folded units are from."""

    def feed(self, text: str) -> int:
        """See `StreamCheck.feed`."""
        if not (self._stops and self.found):
            self._read(text)
        self._length += len(text)
        return self._decided()

    def finish(self) -> int:
        """See `StreamCheck.finish`."""
        if not (self._stops and self.found):
            self._read("\n")  # the end is a boundary
            if not (self._stops and self.found):
                self._state = self._list.beginning
        return self._decided()

    def _read(self, text: str) -> None:
        blocklist, state, was_space = self._list, self._state, self._was_space
        folding, edges, offsets = blocklist.folding, blocklist.edges, self._offsets
        for place, character in enumerate(text, self._length):
            for unit in folding[character]:
                if unit == SPACE:
                    if was_space:
                        continue
                    was_space = True
                    # A boundary that a character brings along stands behind it.
                    offsets.append(place + 1 if offsets and offsets[-1] == place else place)
                else:
                    was_space = False
                    offsets.append(place)
                following = edges.get(state << _SHIFT | unit)
                state = blocklist.follow(state, unit) if following is None else following
                if was_space and state in blocklist.completes:
                    self._note(blocklist.completes[state])
                    if self._stops:
                        self._state = state
                        return
        self._state, self._was_space = state, was_space

    def _note(self, complete: Iterable[tuple[int, str]]) -> None:
        offsets = self._offsets
        self.found += [
            Finding(offsets[1 - length], offsets[-1], category) for length, category in complete
        ]

    def _decided(self) -> int:
        depth = self._list.depths[self._state]
        return self._length if depth < 2 else self._offsets[1 - depth]
