"""Frameworks for agents: OpenAI's, Pydantic's, AutoGen."""

import pytest

from tests.clients.service import FOLLOW_UP, IN_ANSWER, KEY, QUESTION, V1


@pytest.mark.client("openai-agents", "OpenAIChatCompletionsModel, two turns")
async def test_openai_agents():
    agents = pytest.importorskip("agents")
    from openai import AsyncOpenAI

    agents.set_tracing_disabled(True)
    client = AsyncOpenAI(base_url=V1, api_key=KEY)
    model = agents.OpenAIChatCompletionsModel(model="ragserve", openai_client=client)
    agent = agents.Agent(name="guide", model=model)
    first = await agents.Runner.run(agent, QUESTION)
    assert IN_ANSWER in first.final_output
    turns = [*first.to_input_list(), {"role": "user", "content": FOLLOW_UP}]
    assert (await agents.Runner.run(agent, turns)).final_output


@pytest.mark.client("pydantic-ai-slim", "OpenAIChatModel, two turns, streamed")
async def test_pydantic_ai():
    pydantic_ai = pytest.importorskip("pydantic_ai")
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIChatModel("ragserve", provider=OpenAIProvider(base_url=V1, api_key=KEY))
    agent = pydantic_ai.Agent(model)
    first = await agent.run(QUESTION)
    assert IN_ANSWER in first.output
    second = await agent.run(FOLLOW_UP, message_history=first.all_messages())
    assert second.output
    async with agent.run_stream(QUESTION) as stream:
        assert IN_ANSWER in await stream.get_output()


@pytest.mark.client("autogen-agentchat", "AssistantAgent")
async def test_autogen():
    pytest.importorskip("autogen_agentchat")
    from autogen_agentchat.agents import AssistantAgent
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    facts = {
        "vision": False,
        "function_calling": False,
        "json_output": False,
        "structured_output": False,
        "family": "unknown",
    }
    client = OpenAIChatCompletionClient(
        model="ragserve", base_url=V1, api_key=KEY, model_info=facts
    )
    result = await AssistantAgent("guide", model_client=client).run(task=QUESTION)
    assert IN_ANSWER in result.messages[-1].content
    await client.close()


@pytest.mark.client("openai-agents", "as it comes (responses), two turns")
async def test_openai_agents_as_they_come():
    agents = pytest.importorskip("agents")
    from openai import AsyncOpenAI

    agents.set_tracing_disabled(True)
    client = AsyncOpenAI(base_url=V1, api_key=KEY)
    model = agents.OpenAIResponsesModel(model="ragserve", openai_client=client)
    agent = agents.Agent(name="guide", model=model)
    first = await agents.Runner.run(agent, QUESTION)
    assert IN_ANSWER in first.final_output
    turns = [*first.to_input_list(), {"role": "user", "content": FOLLOW_UP}]
    assert (await agents.Runner.run(agent, turns)).final_output


@pytest.mark.client("pydantic-ai-slim", "openai: as it comes (responses), two turns")
async def test_pydantic_ai_as_it_comes():
    pydantic_ai = pytest.importorskip("pydantic_ai")
    from pydantic_ai.models.openai import OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIResponsesModel("ragserve", provider=OpenAIProvider(base_url=V1, api_key=KEY))
    agent = pydantic_ai.Agent(model)
    first = await agent.run(QUESTION)
    assert IN_ANSWER in first.output
    second = await agent.run(FOLLOW_UP, message_history=first.all_messages())
    assert second.output
