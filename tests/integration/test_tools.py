"""Functions through the whole stack, to a scripted server and back, by OpenAI's client."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.integration.cluster import Cluster

SCHEMA = {"type": "object", "properties": {"feet": {"type": "integer"}}}
BERTH = {"type": "function", "function": {"name": "book", "parameters": SCHEMA}}
CRANE = {"type": "function", "function": {"name": "crane", "parameters": {"type": "object"}}}
QUESTION: Any = {"role": "user", "content": "What does the header Retry-After say? book, crane"}
ARGUMENTS = '{"feet": 7}'


@pytest.fixture
def api(cluster: Cluster, guide: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{cluster.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def asked(*more: Any, **wishes: Any) -> Any:
    turns = [QUESTION, *more]
    return {"model": "ragserve:calls", "messages": turns, "tools": [BERTH, CRANE], **wishes}


def returned(message: Any) -> list[Any]:
    return [
        {"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name} done"}
        for call in message.tool_calls
    ]


def test_a_model_calls_and_is_told_what_came_of_it(api: Any) -> None:
    first = api.chat.completions.create(**asked())
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    calls = [(call.function.name, call.function.arguments) for call in message.tool_calls]
    assert calls == [("book", ARGUMENTS), ("crane", "{}")]
    assert first.usage.completion_tokens == 6
    own = first.model_extra["ragserve"]
    assert (own["model"], own["degraded"]) == ("calls", []), "who cannot call was not asked"

    second = api.chat.completions.create(**asked(message, *returned(message)))
    assert second.choices[0].message.content == "It returned: book done; crane done [1]"
    assert second.choices[0].finish_reason == "stop"
    [cited] = second.choices[0].message.annotations
    assert cited.url_citation.url == second.model_extra["ragserve"]["sources"][0]["path"]


def test_calls_are_streamed(api: Any) -> None:
    with api.chat.completions.stream(**asked()) as stream:
        kinds = {event.type for event in stream}
        whole = stream.get_final_completion()
    assert "tool_calls.function.arguments.done" in kinds
    message = whole.choices[0].message
    assert [call.function.arguments for call in message.tool_calls] == [ARGUMENTS, "{}"]
    with api.chat.completions.stream(**asked(message, *returned(message))) as stream:
        assert stream.until_done().get_final_completion().choices[0].finish_reason == "stop"


def test_without_functions_the_first_generator_answers(api: Any) -> None:
    answer = api.chat.completions.create(model="ragserve:calls", messages=[QUESTION])
    assert answer.model_extra["ragserve"]["model"] == "extractive"


def test_the_responses_api_calls_as_well(api: Any) -> None:
    tool: Any = {"type": "function", "name": "book", "parameters": SCHEMA}
    wishes: Any = {"model": "ragserve:calls", "tools": [tool]}
    with api.responses.stream(input=[QUESTION], **wishes) as stream:
        kinds = {event.type for event in stream}
        first = stream.get_final_response()
    assert "response.function_call_arguments.done" in kinds
    [call] = first.output
    assert (call.name, call.arguments) == ("book", ARGUMENTS)
    told = {"type": "function_call_output", "call_id": call.call_id, "output": "berth 7"}
    second = api.responses.create(input=[QUESTION, call, told], **wishes)
    assert second.output_text == "It returned: berth 7 [1]"


def test_who_has_no_language_model_says_so(api: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="no language model") as refused:
        api.chat.completions.create(**asked(model="ragserve:minilm-extractive"))
    assert refused.value.param == "tools"


def test_a_model_searches_by_itself(api: Any) -> None:
    question = {"role": "user", "content": "search_documents for the header Retry-After"}
    asked: Any = {"model": "ragserve:searcher", "messages": [question]}
    answer = api.chat.completions.create(**asked)
    assert answer.choices[0].message.content.startswith("It returned: WORD is")
    own = answer.model_extra["ragserve"]
    assert (own["model"], own["prompt"]) == ("calls", "search-v1")
    assert answer.usage.completion_tokens > 3
    with api.chat.completions.stream(**asked) as stream:
        whole = stream.until_done().get_final_completion()
    assert whole.choices[0].finish_reason == "stop"
    assert whole.choices[0].message.tool_calls in (None, [])
