"""What a client wants to know, before anybody looked for it."""

from dataclasses import dataclass

from deployments.contracts.generation import Message, Sampling
from deployments.contracts.search import Filter, SearchMode
from deployments.contracts.tools import ToolUse


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the client's wishes; None means that the release decides.

    `messages` is the conversation that the question ends, where there is one. `queries` are other
    ways to put it, which are searched for as well. `min_relevance` is the least relevance of a
    chunk that counts as found, beside what the release asks for. `tools` are functions of the
    client. `is_written` says that a language model wrote the question as a query, with
    `conditions` on what is found: nothing is to be added to it then.
    """

    text: str
    messages: tuple[Message, ...] = ()
    sampling: Sampling = Sampling()
    queries: tuple[str, ...] = ()
    mode: SearchMode | None = None
    top_k: int | None = None
    top_n: int | None = None
    rerank: bool | None = None
    where: Filter | None = None
    min_relevance: float | None = None
    tools: ToolUse = ToolUse()
    is_written: bool = False
    conditions: Filter | None = None
