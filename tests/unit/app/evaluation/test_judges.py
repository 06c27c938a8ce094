"""What judges make of an answer: the reranker by its scores, a language model by numbers."""

import pytest

from app.evaluation.answered import Answered, Statement
from app.evaluation.judges import ModelJudge, RerankerJudge
from app.releases.failover import GeneratorChain
from deployments.contracts.calls import CallContext
from deployments.contracts.errors import StageFailed, Unavailable
from tests.doubles import OverlapReranker
from tests.generator_doubles import EchoGenerator

CALL = CallContext("r1", 5.0, background=True)
FULL, OTHER = "A full queue is answered with 503", "Paris is a city"
ANSWERED = Answered(
    question="what is a full queue answered with",
    answer="A full queue is answered with 503 Mars is a planet",
    statements=(
        Statement("A full queue is answered with 503", (FULL, OTHER)),
        Statement("Mars is a planet", (FULL, OTHER)),
    ),
    passages=(FULL, OTHER),
)


async def test_the_reranker_takes_the_best_passage_of_each_sentence() -> None:
    reranker = OverlapReranker()
    judged = await RerankerJudge(reranker).judge(ANSWERED, CALL)
    # All words of the first sentence, and two of the four of the second.
    assert judged.groundedness == pytest.approx((1.0 + 0.5) / 2)
    assert judged.relevance == pytest.approx(6 / 7)
    assert (judged.source, judged.source_id) == ("code", "overlapreranker-double")
    assert reranker.calls == 3


async def test_a_reranker_that_is_away_judges_nothing() -> None:
    reranker = OverlapReranker()
    reranker.failure = Unavailable("Away.", "reranker")
    with pytest.raises(Unavailable):
        await RerankerJudge(reranker).judge(ANSWERED, CALL)


def model_judge(*replies: str) -> tuple[ModelJudge, EchoGenerator]:
    generator = EchoGenerator()
    generator.engine.script = [(reply, []) for reply in replies]
    return ModelJudge(GeneratorChain([generator], 0.0), "generator-judge"), generator


@pytest.mark.parametrize(
    ("replies", "scores"),
    [(("7", "10"), (0.7, 1.0)), (("**0**", "3."), (0.0, 0.3)), (("8/10", " 9 / 10"), (0.8, 0.9))],
)
async def test_a_language_model_is_asked_for_a_number_twice(
    replies: tuple[str, str], scores: tuple[float, float]
) -> None:
    judge, generator = model_judge(*replies)
    judged = await judge.judge(ANSWERED, CALL)
    assert (judged.groundedness, judged.relevance) == pytest.approx(scores)
    assert (judged.source, judged.source_id) == ("llm_judge", "echo")
    grounded, relevant = (prompt.messages[-1].content for prompt in generator.engine.prompts)
    assert FULL in grounded
    assert ANSWERED.question not in grounded
    assert ANSWERED.question in relevant


@pytest.mark.parametrize("reply", ["I would say 7", "eleven", "11", "-", "0.7 of it"])
async def test_another_answer_is_none(reply: str) -> None:
    judge, _ = model_judge(reply, "5")
    with pytest.raises(StageFailed, match="with a number"):
        await judge.judge(ANSWERED, CALL)
