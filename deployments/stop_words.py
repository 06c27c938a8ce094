"""English words that say little about what a question is about.

One list for all who weigh words: the index of words leaves them out of queries, late interaction
counts them less, and the extractive generator does not look for them.
"""

STOP_WORDS = frozenset(
    """a about after all also am an and any are as at be because been before being between both
    but by can could did do does doing done during each either every few for from further get
    gets give given had happen happened happens has have having he her here him his how i if in
    into is it its itself just let many may me might more most much must my no nor not of off on
    once one only onto or other our out over own per please same shall she should so some such
    tell than that the their them then there these they this those through to too under until up
    upon us use used using very was we were what when where whether which while who whom whose
    why will with within without would you your""".split()  # noqa: SIM905
)
