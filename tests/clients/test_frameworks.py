"""LlamaIndex, Haystack, DSPy, instructor."""

import pytest

from tests.clients.service import IN_ANSWER, KEY, QUESTION, ROOT, V1

TEXTS = ["Ships sail.", "Cats sleep a lot."]


@pytest.mark.client("llama-index-llms-openai-like", "OpenAILike (is_chat_model=True)")
def test_llama_index_chat():
    pytest.importorskip("llama_index.llms.openai_like")
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai_like import OpenAILike

    llm = OpenAILike(model="ragserve", api_base=V1, api_key=KEY, is_chat_model=True)
    asked = ChatMessage(role="user", content=QUESTION)
    first = llm.chat([asked])
    assert IN_ANSWER in first.message.content
    assert llm.chat([asked, first.message, asked]).message.content
    assert IN_ANSWER in "".join(chunk.delta for chunk in llm.stream_chat([asked]))


@pytest.mark.client("llama-index-embeddings-openai-like", "OpenAILikeEmbedding")
def test_llama_index_embeddings():
    pytest.importorskip("llama_index.embeddings.openai_like")
    from llama_index.embeddings.openai_like import OpenAILikeEmbedding

    embedding = OpenAILikeEmbedding(model_name="ragserve", api_base=V1, api_key=KEY)
    assert len(embedding.get_query_embedding("a")) == 384


@pytest.mark.client("llama-index-postprocessor-cohere-rerank", "CohereRerank")
def test_llama_index_cohere():
    pytest.importorskip("llama_index.postprocessor.cohere_rerank")
    from llama_index.core.schema import NodeWithScore, TextNode
    from llama_index.postprocessor.cohere_rerank import CohereRerank

    reranker = CohereRerank(model="ragserve", base_url=ROOT, api_key=KEY, top_n=1)
    nodes = [NodeWithScore(node=TextNode(text=text)) for text in TEXTS]
    [best] = reranker.postprocess_nodes(nodes, query_str="animals")
    assert best.node.get_content() == "Cats sleep a lot."


@pytest.mark.client("llama-index-postprocessor-jinaai-rerank", "JinaRerank")
def test_llama_index_jina():
    pytest.importorskip("llama_index.postprocessor.jinaai_rerank")
    from llama_index.core.schema import NodeWithScore, TextNode
    from llama_index.postprocessor.jinaai_rerank import JinaRerank

    reranker = JinaRerank(model="ragserve", base_url=V1, api_key=KEY, top_n=1)
    nodes = [NodeWithScore(node=TextNode(text=text)) for text in TEXTS]
    [best] = reranker.postprocess_nodes(nodes, query_str="animals")
    assert best.node.get_content() == "Cats sleep a lot."


@pytest.mark.client("haystack-ai", "OpenAIChatGenerator, OpenAITextEmbedder")
def test_haystack():
    pytest.importorskip("haystack")
    from haystack.components.embedders import OpenAITextEmbedder
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.dataclasses import ChatMessage
    from haystack.utils import Secret

    key = Secret.from_token(KEY)
    generator = OpenAIChatGenerator(model="ragserve", api_base_url=V1, api_key=key)
    asked = ChatMessage.from_user(QUESTION)
    [reply] = generator.run([asked])["replies"]
    assert IN_ANSWER in reply.text
    assert generator.run([asked, reply, asked])["replies"][0].text
    embedder = OpenAITextEmbedder(model="ragserve", api_base_url=V1, api_key=key)
    assert len(embedder.run("a")["embedding"]) == 384


@pytest.mark.client("dspy", "LM")
def test_dspy():
    dspy = pytest.importorskip("dspy")

    lm = dspy.LM("openai/ragserve", api_base=V1, api_key=KEY, cache=False)
    assert IN_ANSWER in str(lm(QUESTION)[0])


@pytest.mark.client("instructor", "without a response model")
def test_instructor():
    instructor = pytest.importorskip("instructor")
    import openai

    client = instructor.from_openai(openai.OpenAI(base_url=V1, api_key=KEY))
    answer = client.chat.completions.create(
        model="ragserve", response_model=None, messages=[{"role": "user", "content": QUESTION}]
    )
    assert IN_ANSWER in answer.choices[0].message.content
