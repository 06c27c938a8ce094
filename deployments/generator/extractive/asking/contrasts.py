"""Words that exclude each other: a sentence on the least of something does not answer a question
about the most of it."""

import re
from collections.abc import Iterable
from functools import lru_cache

from deployments.generator.extractive.reading.terms import stem

_OPPOSITES = """
most more | least less fewer
before | after
increase increased rise rose grow growth | decrease decreased decline fall fell reduce reduction
high higher highest | low lower lowest
large larger largest big bigger biggest great | small smaller smallest little
early earlier earliest | late later latest
old older oldest ancient | new newer newest modern young younger youngest
male man men | female woman women
always | never
begin began begun start | end ended finish stop
above | below
inside internal interior | outside external exterior
major majority maximum | minor minority minimum
public | private
positive | negative
win won winner victory | lose lost loser defeat
allow permit | prohibit ban forbid forbidden prevent
accept approve | reject refuse deny
strong stronger strongest | weak weaker weakest
hot hotter warm warmer | cold colder cool cooler
rich richer richest wealthy | poor poorer poorest
upper | lower
left | right
long longer longest tall taller tallest | short shorter shortest
fast faster fastest quick quickly | slow slower slowest slowly
past previous former | future next
finite limited | infinite unlimited
include | exclude
support | oppose
create build built | destroy demolish
enter arrive join | leave depart
add | remove subtract
acceleration accelerate | deceleration decelerate
easy easier easiest simple simpler | difficult hard harder hardest complex
good better best | bad worse worst
success succeed | failure fail
urban | rural
import | export
buy bought purchase | sell sold
birth born | death died die
day | night
light lighter | dark heavy heavier
common frequent often | rare rarely seldom
wet | dry
full | empty
open | closed close
true | false
same similar | different
local national | global international
domestic | foreign
horizontal | vertical
active | passive
input | output
father | mother
son | daughter
brother | sister
husband | wife
king | queen
north northern | south southern
east eastern | west western
primary | secondary | tertiary
single | double | triple
first | second | third | fourth | fifth | sixth | seventh | eighth | ninth | tenth
ii | iii | iv | vi | vii | viii | ix | xi | xii
monday | tuesday | wednesday | thursday | friday | saturday | sunday
january|february|march|april|june|july|august|september|october|november|december
spring | summer | autumn | winter
"""
"""A line has the sides of one contrast; the words of a side go together."""

_PREFIXED = re.compile(r"(?:un|in|im|il|ir|non|dis|de|mis)(.{5,})")
"""A prefix that turns a word into its opposite. The rest must be long enough to be a word."""


def count_contrasts(question: frozenset[str], sentence: frozenset[str]) -> int:
    """Returns how many words of the question are missing in the sentence while their opposite
    stands there. Both are given by the stems of all their words."""
    sides = _sides()
    opposed = {
        contrast: side for one in sentence - question for contrast, side in sides.get(one, ())
    }
    named = {place for one in sentence for place in sides.get(one, ())}
    missing = question - sentence
    count = sum(
        any(
            contrast in opposed and (contrast, side) not in named
            for contrast, side in sides.get(one, ())
        )
        for one in missing
    )
    return (
        count + _count_prefixed(missing, sentence) + _count_prefixed(sentence - question, missing)
    )


def _count_prefixed(words: Iterable[str], others: frozenset[str]) -> int:
    found = (_PREFIXED.fullmatch(word) for word in words)
    return sum(match is not None and match.group(1) in others for match in found)


@lru_cache(maxsize=1)
def _sides() -> dict[str, tuple[tuple[int, int], ...]]:
    """Returns for each stem the contrasts it takes part in, each with its side."""
    found: dict[str, tuple[tuple[int, int], ...]] = {}
    for contrast, line in enumerate(_OPPOSITES.strip().splitlines()):
        for side, words in enumerate(line.split("|")):
            for one in {stem(word) for word in words.split()}:
                found[one] = (*found.get(one, ()), (contrast, side))
    return found
