"""How many wrong answers each cache gives to questions that were not asked before, and how many
right ones to those that were, in other words."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.cache.canonical import canonical
from benchmarks.semantic_study.caches import Cache, Embed, Exact, Given, Nearest, Verified
from benchmarks.semantic_study.questions import CHANGES, Labelled, changed

EXACT, COSINE, VERIFIED = "exact", "cosine", "verified"
_EXAMPLES = 20
_CONFIDENCE = 0.95


@dataclass
class Outcome:
    """What one cache made of questions at one threshold."""

    asked: int = 0
    right: int = 0
    false: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)

    def take(self, text: str, label: str | None, given: Given | None, least: float) -> None:
        """Counts a question, and whose answer it was given."""
        self.asked += 1
        if given is None or given.similarity < least:
            return
        if label is not None and given.question.label == label:
            self.right += 1
            return
        self.false += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append((text, given.question.text))

    def figures(self) -> dict[str, Any]:
        """Returns the figures."""
        return {
            "asked": self.asked,
            "right_hits": self.right,
            "false_hits": self.false,
            "false_per_1000": round(1000 * self.false / self.asked, 2) if self.asked else 0.0,
            "false_per_1000_at_most": round(1000 * upper_bound(self.false, self.asked), 2),
        }


def upper_bound(count: int, of: int, confidence: float = _CONFIDENCE) -> float:
    """Returns the share that is not exceeded at this confidence, one-sided, where so many of so
    many independent cases had it.

    Source: Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case of
    the binomial, Biometrika 26, 1934. With none it is near 3 / n, the rule of three.

    >>> round(upper_bound(0, 1000), 5)
    0.00299
    """
    if of == 0 or count >= of:
        return 1.0
    from scipy.stats import beta

    return float(beta.ppf(confidence, count + 1, of - count))


def study(
    questions: Sequence[Labelled],
    embed: Embed,
    *,
    similarities: Sequence[float],
    verified_similarities: Sequence[float],
    changes: int,
    paraphrases: Sequence[tuple[str, str]],
    seed: int,
    done: Callable[[str], None],
) -> dict[str, Any]:
    """Returns the figures of one set.

    Half of the questions is cached and the other half asked, and then the other way round, so that
    each is asked once. A question without a label is not cached.

    Args:
        questions: Of the set.
        embed: Embeds them.
        similarities: Thresholds of a cache that goes by nearness alone.
        verified_similarities: Those of `verified`.
        changes: Questions of each change of form.
        paraphrases: Pairs of a question and another one that asks the same.
        seed: Parts the questions.
        done: Told of every step.
    """
    ways = [(EXACT, 0.0), *((COSINE, one) for one in similarities)]
    ways += [(VERIFIED, one) for one in verified_similarities]
    others = {way: Outcome() for way in ways}
    drawn = random.Random(seed).sample(questions, len(questions))
    halves = drawn[::2], drawn[1::2]
    for cached, asked in (halves, halves[::-1]):
        kept = [one for one in cached if one.label is not None]
        _ask(_caches(kept, embed), [(one.text, one.label) for one in asked], others)
        done("other questions")
    cached = [one for one in drawn if one.label is not None]
    caches = _caches(cached, embed)
    again: dict[str, dict[tuple[str, float], Outcome]] = {}
    for kind in CHANGES:
        pairs = changed(cached, kind, most=changes, seed=seed)
        again[kind] = {way: Outcome() for way in ways}
        _ask(caches, [(text, one.label) for one, text in pairs], again[kind])
        done(kind)
    if paraphrases:
        labels = {canonical(one.text): one.label for one in cached}
        known = [(other, labels.get(canonical(one))) for one, other in paraphrases]
        again["paraphrase"] = {way: Outcome() for way in ways}
        _ask(caches, [pair for pair in known if pair[1] is not None], again["paraphrase"])
    return {
        "questions": len(questions),
        "cached": len(cached),
        "other_questions": [_row(way, outcome) for way, outcome in others.items()],
        "same_questions": {
            kind: [_row(way, outcome) for way, outcome in outcomes.items()]
            for kind, outcomes in again.items()
        },
        "examples": {
            f"{name} {least:g}": outcome.examples
            for (name, least), outcome in others.items()
            if name != COSINE and outcome.examples
        },
    }


def _caches(cached: Sequence[Labelled], embed: Embed) -> Mapping[str, Cache]:
    return {
        EXACT: Exact(cached),
        COSINE: Nearest(cached, embed),
        VERIFIED: Verified(cached, embed),
    }


def _ask(
    caches: Mapping[str, Cache],
    asked: Sequence[tuple[str, str | None]],
    outcomes: Mapping[tuple[str, float], Outcome],
) -> None:
    for name, cache in caches.items():
        found = cache.look_up([text for text, _ in asked])
        for (text, label), given in zip(asked, found, strict=True):
            for (way, least), outcome in outcomes.items():
                if way == name:
                    outcome.take(text, label, given, least)


def _row(way: tuple[str, float], outcome: Outcome) -> dict[str, Any]:
    name, least = way
    hits = round(outcome.right / outcome.asked, 4) if outcome.asked else 0.0
    return {"cache": name, "similarity": least, **outcome.figures(), "right_hit_ratio": hits}
