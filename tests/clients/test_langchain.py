"""LangChain: chat, embeddings, an agent, and Cohere's reranker."""

import pytest

from tests.clients.service import FOLLOW_UP, IN_ANSWER, KEY, QUESTION, ROOT, V1

langchain_openai = pytest.importorskip("langchain_openai")


@pytest.fixture
def chat():
    return langchain_openai.ChatOpenAI(model="ragserve", base_url=V1, api_key=KEY)


@pytest.mark.client("langchain-openai", "ChatOpenAI")
def test_chat(chat):
    from langchain_core.messages import HumanMessage

    first = chat.invoke(QUESTION)
    assert IN_ANSWER in first.text
    again = chat.invoke([HumanMessage(QUESTION), first, HumanMessage(FOLLOW_UP)])
    assert again.text


@pytest.mark.client("langchain-openai", "ChatOpenAI, streamed")
def test_stream(chat):
    assert IN_ANSWER in "".join(chunk.text for chunk in chat.stream(QUESTION))


@pytest.mark.client("langchain-openai", "OpenAIEmbeddings (check_embedding_ctx_length=False)")
def test_embeddings():
    embeddings = langchain_openai.OpenAIEmbeddings(
        model="ragserve", base_url=V1, api_key=KEY, check_embedding_ctx_length=False
    )
    assert len(embeddings.embed_query("a")) == 384
    assert len(embeddings.embed_documents(["a", "b"])) == 2


@pytest.mark.client("langchain-openai", "OpenAI (completions) is told what to do")
def test_completions_say_what_to_ask():
    with pytest.raises(Exception, match="/v1/chat/completions"):
        langchain_openai.OpenAI(model="ragserve", base_url=V1, api_key=KEY).invoke("hello")


@pytest.mark.client("langchain", "create_agent")
def test_agent(chat):
    from langchain.agents import create_agent

    result = create_agent(chat, tools=[]).invoke(
        {"messages": [{"role": "user", "content": QUESTION}]}
    )
    assert IN_ANSWER in result["messages"][-1].text


@pytest.mark.client("langchain-cohere", "CohereRerank")
def test_rerank():
    from langchain_cohere import CohereRerank
    from langchain_core.documents import Document

    reranker = CohereRerank(model="ragserve", base_url=ROOT, cohere_api_key=KEY, top_n=1)
    texts = ["Ships sail.", "Cats sleep a lot."]
    [best] = reranker.compress_documents([Document(text) for text in texts], "animals")
    assert best.page_content == "Cats sleep a lot."


@pytest.mark.client("langchain-openai", "ChatOpenAI (use_responses_api=True), with citations")
def test_responses():
    chat = langchain_openai.ChatOpenAI(
        model="ragserve", base_url=V1, api_key=KEY, use_responses_api=True
    )
    first = chat.invoke(QUESTION)
    assert IN_ANSWER in first.text
    cited = [one for block in first.content_blocks for one in block.get("annotations", [])]
    assert cited[0]["url"].startswith("docs/")
    assert chat.invoke([("user", QUESTION), first, ("user", FOLLOW_UP)]).text
