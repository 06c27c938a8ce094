"""What a policy does not let out: whole answers, streams in every form, calls, sources."""

import json
from typing import Any

import httpx
import openai
import pytest

from tests.doubles import DoubleDirectory
from tests.unit.app.api.moderation.conftest import Finished, Judging, Serve, policy

STRICT = policy(output={"blocklist": ["oaths"]})
SAYS = "All is well here, by Jove, and it goes on for many more words."
HI = [{"role": "user", "content": "Hi"}]


def events_of(text: str) -> list[tuple[str, Any]]:
    """Returns the events of a stream by name."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        data = lines["data"]
        found.append((lines.get("event", ""), data if data == "[DONE]" else json.loads(data)))
    return found


async def say(stages: DoubleDirectory, text: str, calls: Any = ()) -> None:
    stages.echo.engine.script.append((text, list(calls)))


async def test_a_whole_answer_is_empty_and_says_why(
    serve: Serve, stages: DoubleDirectory, finished: Finished
) -> None:
    client = await serve(STRICT)
    await say(stages, SAYS)
    body = {"model": "echo", "messages": HI}
    response = await client.post("/v1/chat/completions", json=body)
    assert response.status_code == 200
    answer = response.json()
    [choice] = answer["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("content_filter", "")
    assert answer["ragserve"]["blocked"] == {"categories": ["oaths"]}
    assert "jove" not in response.text.lower()
    assert answer["usage"]["completion_tokens"] > 0
    [request] = finished.requests
    assert request.outcome == "ok"
    assert request.notes.written is not None
    assert request.notes.written.finish_reason == "content_filter"
    assert [one.action for one in request.notes.moderation] == ["block"]


async def test_a_chat_stream_keeps_its_text_up_to_the_block_and_ends_as_it_should(
    serve: Serve, stages: DoubleDirectory
) -> None:
    client = await serve(STRICT)
    async with openai.AsyncOpenAI(
        base_url="http://test/v1",
        api_key="any",
        max_retries=0,
        http_client=client,  # type: ignore[arg-type]
    ) as api:
        await say(stages, SAYS)
        stream = await api.chat.completions.create(
            model="echo", messages=HI, stream=True, stream_options={"include_usage": True}
        )  # type: ignore[call-overload]
        chunks = [chunk async for chunk in stream]
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == "All is well here, "
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert [reason for reason in reasons if reason] == ["content_filter"]
    assert reasons[-1] == "content_filter"
    assert chunks[-1].usage is not None
    assert 0 < chunks[-1].usage.completion_tokens < len(SAYS.split())
    assert stages.echo.engine.running == 0, "the engine goes on for nobody"


async def test_the_stream_of_a_chat_is_done(serve: Serve, stages: DoubleDirectory) -> None:
    client = await serve(STRICT)
    await say(stages, SAYS)
    body = {"model": "echo", "messages": HI, "stream": True}
    text = (await client.post("/v1/chat/completions", json=body)).text
    *_, last, done = events_of(text)
    assert done[1] == "[DONE]"
    assert last[1]["choices"][0]["finish_reason"] == "content_filter"
    assert last[1]["ragserve"]["blocked"] == {"categories": ["oaths"]}
    assert "ove" not in text


async def test_a_stream_of_completions(serve: Serve, stages: DoubleDirectory) -> None:
    client = await serve(STRICT)
    await say(stages, SAYS)
    body = {"model": "echo", "prompt": "Hi", "stream": True, "logprobs": 1}
    text = (await client.post("/v1/completions", json=body)).text
    *pieces, last, done = events_of(text)
    assert "".join(piece["choices"][0]["text"] for _, piece in pieces) == "All is well here, "
    assert last[1]["choices"][0]["finish_reason"] == "content_filter"
    assert last[1]["ragserve"]["blocked"] == {"categories": ["oaths"]}
    assert done[1] == "[DONE]"
    assert "jove" not in text.lower(), "neither as a text nor as a token"


async def test_a_stream_of_responses_is_incomplete(serve: Serve, stages: DoubleDirectory) -> None:
    client = await serve(STRICT)
    await say(stages, SAYS)
    body = {"model": "echo", "input": "Hi", "stream": True}
    text = (await client.post("/v1/responses", json=body)).text
    events = events_of(text)
    assert events[-1][0] == "response.incomplete"
    whole = events[-1][1]["response"]
    assert whole["incomplete_details"] == {"reason": "content_filter"}
    assert whole["output"][0]["content"][0]["text"] == "All is well here, "
    assert whole["ragserve"]["blocked"] == {"categories": ["oaths"]}
    deltas = [data["delta"] for name, data in events if name == "response.output_text.delta"]
    assert "".join(deltas) == "All is well here, "


async def test_a_query_stream_ends_with_done(serve: Serve, stages: DoubleDirectory) -> None:
    settings = policy(output={"blocklist": ["oaths"]})
    client = await serve(settings)
    body = {
        "model": "ragserve:llm",
        "messages": [{"role": "user", "content": "What is the capital of France?"}],
        "stream": True,
    }
    await say(stages, "Paris [1]. By Jove, it is.")
    events = events_of((await client.post("/v1/chat/completions", json=body)).text)
    text = "".join(event["choices"][0]["delta"].get("content", "") for _, event in events[:-1])
    assert text == "Paris [1]. "
    [annotation] = [
        found
        for _, event in events[:-1]
        for found in event["choices"][0]["delta"].get("annotations", ())
    ]
    cited = annotation["url_citation"]
    assert "Paris" in text[cited["start_index"] : cited["end_index"]]


@pytest.mark.parametrize(
    ("after", "left"),
    [(1, "It "), (2, "It is "), (3, "It is well "), (4, "It is well ")],
)
async def test_what_is_held_is_not_sent_where_the_source_breaks_off(
    after: int, left: str, serve: Serve, stages: DoubleDirectory
) -> None:
    client = await serve(STRICT)
    stages.echo.engine.fails_after = after
    await say(stages, "It is well by Jove")
    body = {"model": "echo", "messages": HI, "stream": True}
    text = (await client.post("/v1/chat/completions", json=body)).text
    events = events_of(text)
    sent = "".join(
        event["choices"][0]["delta"].get("content", "") for _, event in events if "choices" in event
    )
    assert sent == left
    assert "error" in events[-1][1]


async def test_calls_are_read_as_json_spells_them(serve: Serve, stages: DoubleDirectory) -> None:
    client = await serve(STRICT)
    tool = {"type": "function", "function": {"name": "say", "parameters": {"type": "object"}}}
    arguments = '{"text": "by \\u004aove", "loud": true}'
    for stream in (False, True):
        await say(stages, "", [("say", arguments)])
        body = {"model": "echo", "messages": HI, "tools": [tool], "stream": stream}
        response = await client.post("/v1/chat/completions", json=body)
        assert "content_filter" in response.text
        assert "u004aove" not in response.text
    await say(stages, "", [("say", '{"text": "hello"}')])
    answer = (await client.post("/v1/chat/completions", json=body | {"stream": False})).json()
    [call] = answer["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"text": "hello"}
    assert answer["choices"][0]["finish_reason"] == "tool_calls"


async def test_personal_data_in_calls_is_replaced(serve: Serve, stages: DoubleDirectory) -> None:
    client = await serve(policy(output={"personal_data": "redact"}))
    tool = {"type": "function", "function": {"name": "say", "parameters": {"type": "object"}}}
    await say(stages, "", [("say", '{"to": ["ann\\u0040example.org"], "n": 1}')])
    body = {"model": "echo", "messages": HI, "tools": [tool]}
    answer = (await client.post("/v1/chat/completions", json=body)).json()
    [call] = answer["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"to": ["<EMAIL_1>"], "n": 1}


@pytest.mark.parametrize("stream", [False, True])
async def test_quotes_are_left_out_sentence_by_sentence(stream: bool, serve: Serve) -> None:
    client = await serve(STRICT)
    body = {"query": "Who is the harbour master and when does the harbour open?", "stream": stream}
    response = await client.post("/v1/query", json=body)
    answer = events_of(response.text)[-1][1] if stream else response.json()
    assert answer["finish_reason"] == "stop"
    assert "opens at dawn" in answer["answer"] or "crane" in answer["answer"]
    assert "moderation" in answer["degraded"]
    assert answer["blocked"] is None
    assert "gadzooks" not in response.text.lower(), "nor through its sources"
    for citation in answer["citations"]:
        assert answer["answer"][citation["start"] : citation["end"]].endswith("]")


async def test_an_answer_of_nothing_but_a_blocked_quote_is_blocked(serve: Serve) -> None:
    client = await serve(
        policy(output={"blocklist": ["oaths"]}) | {"blocklists": {"oaths": {"terms": ["paris"]}}}
    )
    body = {"query": "What is the capital of France?"}
    answer = (await client.post("/v1/query", json=body)).json()
    assert (answer["finish_reason"], answer["answer"]) == ("content_filter", "")
    assert answer["blocked"] == {"categories": ["oaths"]}
    assert answer["citations"] == []
    [source] = [one for one in answer["sources"] if one["document_id"] == "paris"]
    assert (source["text"], source["path"]) == ("", "")
    assert "moderation" in answer["degraded"]


async def test_a_flag_lets_everything_out_at_once(
    serve: Serve, stages: DoubleDirectory, finished: Finished
) -> None:
    client = await serve(policy(output={"blocklist": ["oaths"], "action": "flag"}))
    await say(stages, SAYS)
    body = {"model": "echo", "messages": HI, "stream": True}
    events = events_of((await client.post("/v1/chat/completions", json=body)).text)
    text = "".join(event["choices"][0]["delta"].get("content", "") for _, event in events[:-1])
    assert text == SAYS
    [decision] = finished.requests[0].notes.moderation
    assert (decision.action, decision.categories) == ("flag", ("oaths",))


async def test_personal_data_is_replaced_with_one_row_of_numbers(
    serve: Serve, stages: DoubleDirectory
) -> None:
    client = await serve(policy(output={"personal_data": "redact"}))
    await say(stages, "Ask ann@example.org. Or ask bob@example.org. Best is ann@example.org.")
    body = {"model": "echo", "messages": HI, "stream": True}
    events = events_of((await client.post("/v1/chat/completions", json=body)).text)
    text = "".join(event["choices"][0]["delta"].get("content", "") for _, event in events[:-1])
    assert text == "Ask <EMAIL_1>. Or ask <EMAIL_2>. Best is <EMAIL_1>."


async def test_links_of_nobody_are_taken_out(serve: Serve, stages: DoubleDirectory) -> None:
    client = await serve(policy(output={"links": "sources"}))
    await say(stages, "See ![x](https://evil.example/?q=1) and https://known.example/a now.")
    asked = [{"role": "user", "content": "Is https://known.example/a up?"}]
    body = {"model": "echo", "messages": asked}
    answer = (await client.post("/v1/chat/completions", json=body)).json()
    content = answer["choices"][0]["message"]["content"]
    assert content == "See  and https://known.example/a now."


@pytest.mark.parametrize("mode", ["sentence", "whole"])
async def test_a_classifier_judges_sentences_with_those_before(
    mode: str, serve: Serve, stages: DoubleDirectory, judging: Judging
) -> None:
    client = await serve(policy(output={"classifier": "judge", "stream": mode}))
    await say(stages, "One is fine. Two is fine. Three is grim. Four is fine.")
    body = {"model": "echo", "messages": HI, "stream": True}
    events = events_of((await client.post("/v1/chat/completions", json=body)).text)
    text = "".join(event["choices"][0]["delta"].get("content", "") for _, event in events[:-1])
    assert text == ("One is fine. Two is fine. " if mode == "sentence" else "")
    assert events[-2][1]["ragserve"]["blocked"] == {"categories": ["violence"]}
    assert events[-2][1]["choices"][0]["finish_reason"] == "content_filter"
    assert "One is fine. Two is fine. Three is grim. " in [
        one for row in judging.asked for one in row
    ]


@pytest.mark.parametrize("on_error", ["block", "allow"])
async def test_an_answer_that_nobody_judged(
    on_error: str, serve: Serve, stages: DoubleDirectory, judging: Judging
) -> None:
    client = await serve(
        policy(output={"classifier": "judge", "stream": "sentence", "on_error": on_error})
    )
    judging.status = 401
    await say(stages, "One is fine. Two is fine.")
    answer = (
        await client.post("/v1/chat/completions", json={"model": "echo", "messages": HI})
    ).json()
    [choice] = answer["choices"]
    if on_error == "block":
        assert choice["finish_reason"] == "content_filter"
        assert answer["ragserve"]["blocked"] == {"categories": ["unchecked"]}
    else:
        assert choice["message"]["content"] == "One is fine. Two is fine."
        assert answer["ragserve"]["degraded"] == ["moderation"]


async def test_a_classifier_judges_quotes_too(serve: Serve, judging: Judging) -> None:
    settings = policy(output={"classifier": "judge", "stream": "whole"})
    client = await serve(settings)
    await client.post(
        "/v1/documents",
        json={"documents": [{"id": "g", "path": "g.md", "text": "The castle of Umber is grim."}]},
    )
    answer = (await client.post("/v1/query", json={"query": "How is the castle of Umber?"})).json()
    assert "grim" not in answer["answer"]
    assert answer["finish_reason"] == "content_filter" or "moderation" in answer["degraded"]


async def test_without_findings_an_answer_is_what_it_is_without_a_policy(
    serve: Serve, stages: DoubleDirectory
) -> None:
    everything = {
        "blocklist": ["oaths"],
        "patterns": {"ticket": "T-[0-9]{1,5}"},
        "personal_data": "redact",
        "links": "sources",
        "classifier": "judge",
        "stream": "sentence",
    }
    settings = policy(output=everything, input=everything_in())
    settings["blocklists"]["oaths"]["terms"] = ["zounds"]
    plain, checked = await serve({}), await serve(settings)

    def comparable(response: httpx.Response) -> dict[str, Any]:
        answer: dict[str, Any] = response.json()
        for name in ("id", "request_id", "timings"):
            del answer[name]
        return answer

    body = {"query": "What is the capital of France?"}
    wanted = comparable(await plain.post("/v1/query", json=body))
    assert comparable(await checked.post("/v1/query", json=body)) == wanted


def everything_in() -> dict[str, Any]:
    return {"blocklist": ["oaths"], "personal_data": "redact", "classifier": "judge"}


async def test_what_a_search_finds_is_shown_as_sources_are(
    serve: Serve, finished: Finished
) -> None:
    client = await serve(STRICT)
    response = await client.post("/v1/search", json={"query": "harbour master"})
    assert response.status_code == 200
    assert "gadzooks" not in response.text.lower()
    found = {hit["document_id"]: hit for hit in response.json()["results"]}
    assert (found["harbour"]["text"], found["harbour"]["path"]) == ("", "")
    assert found["harbour"]["chunk_id"]
    if "paris" in found:
        assert found["paris"]["text"]
    assert response.json()["degraded"] == ["moderation"]
    [request] = finished.requests
    assert [(one.place, one.action) for one in request.notes.moderation] == [("sources", "omit")]


async def test_what_a_search_finds_may_also_be_flagged_alone(
    serve: Serve, finished: Finished
) -> None:
    client = await serve(policy(output={"blocklist": ["oaths"], "action": "flag"}))
    response = await client.post("/v1/search", json={"query": "harbour master"})
    assert "Gadzooks" in response.text
    assert response.json()["degraded"] == []
    assert [one.action for one in finished.requests[0].notes.moderation] == ["flag"]
