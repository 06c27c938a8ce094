"""Functions, as each client's users write them, against a service whose model calls what its
question names and says what came of it: `python -m tests.tools_service`."""

import os

import pytest

from tests.clients.service import KEY

URL = os.environ.get("RAGSERVE_TOOLS_URL", "").rstrip("/")
V1 = f"{URL}/v1"
QUESTION = "Please call book_berth."
RETURNED = "It returned: berth 7"
SCHEMA = {"type": "object", "properties": {"feet": {"type": "integer"}}, "required": ["feet"]}
BERTH = {"type": "function", "function": {"name": "book_berth", "parameters": SCHEMA}}
ASKED = {"role": "user", "content": QUESTION}

pytestmark = pytest.mark.skipif(
    not URL, reason="RAGSERVE_TOOLS_URL names no service: `python -m tests.tools_service` is one"
)


def book_berth(feet: int) -> str:
    """Books a berth."""
    return f"berth {feet}"


@pytest.mark.client("openai", "functions: auto, second turn, streamed")
def test_openai():
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=V1, api_key=KEY) as api:
        first = api.chat.completions.create(model="ragserve", messages=[ASKED], tools=[BERTH])
        message = first.choices[0].message
        [call] = message.tool_calls
        assert (call.function.name, call.function.arguments) == ("book_berth", '{"feet": 7}')
        told = {"role": "tool", "tool_call_id": call.id, "content": "berth 7"}
        turns = [ASKED, message, told]
        second = api.chat.completions.create(model="ragserve", messages=turns, tools=[BERTH])
        assert RETURNED in second.choices[0].message.content
        with api.chat.completions.stream(
            model="ragserve", messages=[ASKED], tools=[BERTH]
        ) as stream:
            kinds = {event.type for event in stream}
            whole = stream.get_final_completion()
        assert "tool_calls.function.arguments.done" in kinds
        assert whole.choices[0].finish_reason == "tool_calls"


@pytest.mark.client("openai", "chat.completions.parse, responses.parse")
def test_openai_parses_by_a_model():
    openai = pytest.importorskip("openai")
    from pydantic import BaseModel

    class Berth(BaseModel):
        feet: int

    with openai.OpenAI(base_url=V1, api_key=KEY) as api:
        chat = api.chat.completions.parse(model="ragserve", messages=[ASKED], response_format=Berth)
        assert chat.choices[0].message.parsed == Berth(feet=7)
        response = api.responses.parse(model="ragserve", input=[ASKED], text_format=Berth)
        assert response.output_parsed == Berth(feet=7)


@pytest.mark.client("openai", "responses: functions, second turn, streamed")
def test_openai_responses():
    openai = pytest.importorskip("openai")
    tool = {"type": "function", "name": "book_berth", "parameters": SCHEMA}
    asked = {"model": "ragserve", "tools": [tool]}
    with openai.OpenAI(base_url=V1, api_key=KEY) as api:
        with api.responses.stream(input=[ASKED], **asked) as stream:
            kinds = {event.type for event in stream}
            [call] = stream.get_final_response().output
        assert "response.function_call_arguments.done" in kinds
        told = {"type": "function_call_output", "call_id": call.call_id, "output": "berth 7"}
        second = api.responses.create(input=[ASKED, call, told], **asked)
        assert RETURNED in second.output_text


@pytest.mark.parametrize("responses", [False, True])
@pytest.mark.client("langchain", "bind_tools, create_agent, function_calling; also by responses")
def test_langchain(responses):
    langchain_openai = pytest.importorskip("langchain_openai")
    from langchain.agents import create_agent
    from pydantic import BaseModel

    class Berth(BaseModel):
        feet: int

    chat = langchain_openai.ChatOpenAI(
        model="ragserve", base_url=V1, api_key=KEY, use_responses_api=responses
    )
    [call] = chat.bind_tools([book_berth]).invoke(QUESTION).tool_calls
    assert (call["name"], call["args"]) == ("book_berth", {"feet": 7})
    streamed = None
    for chunk in chat.bind_tools([book_berth]).stream(QUESTION):
        streamed = chunk if streamed is None else streamed + chunk
    assert streamed.tool_calls[0]["args"] == {"feet": 7}
    result = create_agent(chat, tools=[book_berth]).invoke({"messages": [ASKED]})
    assert RETURNED in result["messages"][-1].text
    structured = chat.with_structured_output(Berth, method="function_calling")
    assert structured.invoke(QUESTION) == Berth(feet=7)


@pytest.mark.client("pydantic-ai-slim", "tools, output_type")
async def test_pydantic_ai():
    pydantic_ai = pytest.importorskip("pydantic_ai")
    from pydantic import BaseModel
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    class Berth(BaseModel):
        feet: int

    for kind in (OpenAIChatModel, OpenAIResponsesModel):
        model = kind("ragserve", provider=OpenAIProvider(base_url=V1, api_key=KEY))
        agent = pydantic_ai.Agent(model, tools=[book_berth])
        assert RETURNED in (await agent.run(QUESTION)).output
        assert (await pydantic_ai.Agent(model, output_type=Berth).run("?")).output.feet == 7


@pytest.mark.client("instructor", "TOOLS, as it comes")
def test_instructor():
    instructor = pytest.importorskip("instructor")
    import openai
    from pydantic import BaseModel

    class Berth(BaseModel):
        feet: int

    client = instructor.from_openai(openai.OpenAI(base_url=V1, api_key=KEY))
    berth = client.chat.completions.create(model="ragserve", response_model=Berth, messages=[ASKED])
    assert berth.feet == 7


@pytest.mark.client("openai-agents", "function_tool; also by responses")
async def test_openai_agents():
    agents = pytest.importorskip("agents")
    from openai import AsyncOpenAI

    agents.set_tracing_disabled(True)
    client = AsyncOpenAI(base_url=V1, api_key=KEY)
    for kind in (agents.OpenAIChatCompletionsModel, agents.OpenAIResponsesModel):
        model = kind(model="ragserve", openai_client=client)
        agent = agents.Agent(name="harbour", model=model, tools=[agents.function_tool(book_berth)])
        assert RETURNED in (await agents.Runner.run(agent, QUESTION)).final_output
        streamed = agents.Runner.run_streamed(agent, QUESTION)
        async for _ in streamed.stream_events():
            pass
        assert RETURNED in streamed.final_output
