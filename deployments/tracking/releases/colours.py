"""Which colour the curves of a release have. MLflow draws one from a run's random id, so that two
releases may look the same; no MLflow in here."""

from collections import Counter
from collections.abc import Iterable

COLOURS = (
    "#1f77b4",
    "#ff7f0e",
    "#2ca02c",
    "#d62728",
    "#9467bd",
    "#8c564b",
    "#e377c2",
    "#17becf",
    "#bcbd22",
    "#7f7f7f",
)
"""Told apart on white and on black, the first ones best. Source: the palette "category10" of
Bostock, Ogievetsky and Heer, D3: Data-Driven Documents, IEEE TVCG 17(12), 2011, grey last."""


def next_colour(taken: Iterable[str]) -> str:
    """Returns the colour that the fewest others have, in the order above.

    >>> next_colour([]), next_colour(["#1f77b4", "#2ca02c", ""])
    ('#1f77b4', '#ff7f0e')
    """
    uses = Counter(taken)
    return min(COLOURS, key=lambda colour: uses[colour])
