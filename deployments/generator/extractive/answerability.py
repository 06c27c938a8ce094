"""How likely the context answers the question at all, by the best sentence in it.

Near-misses are the hard case: the passage is on the subject, but speaks of another year, of
somebody else or of the opposite. What gives them away is what the question names and the sentence
lacks.
"""

import math
from collections.abc import Sequence

from deployments.contracts.search import ScoredChunk, Signals
from deployments.generator.extractive.analysis import Sentence
from deployments.generator.extractive.contrasts import count_contrasts
from deployments.generator.extractive.sentence_scoring import Candidate

_BIAS = 0.1
_COVERAGE = 0.4
"""For all of the question's weight in the sentence."""
_SCATTERED = -1.0
"""For all of it elsewhere in the passage: words that meet in no sentence answer little."""
_WITHOUT_NAME = -0.9
"""For names of the question that the sentence and what stands around it lack."""
_WITHOUT_NUMBER = -2.0
"""For a number of the question that these lack, or a code that all of the passage lacks."""
_CONTRAST = -1.9
"""For words whose opposite is in the sentence, such as `least` for `most`."""
_NEGATION = -2.0
"""For a question about what is not, and a sentence about what is."""
_DENSE, _USUAL_DENSE = 2.7, 0.55
"""For one unit of the best cosine of a chunk, from its mean over answerable questions on."""
_RERANK, _USUAL_RERANK = 3.4, 0.68
"""The same for the reranker's score. The better of both counts: they say the same, and a question
of few words may get too little from one of them."""


def estimate_answerability(
    question: Sentence, best: Candidate, context: Sequence[ScoredChunk]
) -> float:
    """Returns a number in (0, 1) that is higher the likelier the context answers the question.

    It is a likelihood where half of the questions are near-misses; elsewhere its order counts. The
    weights are a logistic regression's on half of the paragraphs of SQuAD 2.0, rounded, and those
    of scattered words and of negation made smaller, which cost it nothing: other texts need not be
    as strict. Signals are on the scale of all-MiniLM-L6-v2. Where no chunk has any, words alone
    decide.
    """
    sentence = best.sentence
    logit = (
        _BIAS
        + _COVERAGE * best.coverage
        + _SCATTERED * (best.support - best.coverage)
        + _WITHOUT_NAME * bool(question.names - sentence.terms - best.around)
        + _WITHOUT_NUMBER * (best.lacks_code or best.lacks_number)
        + _CONTRAST * bool(count_contrasts(question.stems, sentence.stems))
        + _NEGATION * _is_negated_alone(question, sentence)
        + _judge_signals([hit.signals for hit in context])
    )
    return 1.0 / (1.0 + math.exp(-logit))


def _is_negated_alone(question: Sentence, sentence: Sentence) -> bool:
    # Why something is not so may be said without a word of negation.
    return question.is_negated and not sentence.is_negated and "why" not in question.words


def _judge_signals(signals: Sequence[Signals]) -> float:
    said = [
        _DENSE * (signal.dense - _USUAL_DENSE) for signal in signals if signal.dense is not None
    ]
    said += [
        _RERANK * (signal.rerank - _USUAL_RERANK)
        for signal in signals
        # What is no mean of cosines is on a scale of which nothing is known here.
        if signal.rerank is not None and abs(signal.rerank) <= 1.0
    ]
    return max(said, default=0.0)
