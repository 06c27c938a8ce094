"""The ways in which a question is put to the index."""

from dataclasses import dataclass

from app.question import Question
from app.releases import Route
from app.request_scope import RequestScope
from app.trail import Trail
from deployments.contracts import Filter


@dataclass(frozen=True, slots=True)
class Formulations:
    """What is searched for: the question first, each query once; all of them within `where`."""

    queries: tuple[str, ...]
    where: Filter | None


async def formulate(
    question: Question, route: Route, scope: RequestScope, trail: Trail
) -> Formulations:
    """Returns the question and the client's other ways to put it."""
    return Formulations(tuple(dict.fromkeys((question.text, *question.queries))), question.where)
