"""The contenders meet in turns, and one alone is awake; the real client measures real servers."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from benchmarks.generation_study.comparison import same_answers, take_turns
from benchmarks.generation_study.workload import Load


class Double:
    """A contender that answers at once; `text` is what it says."""

    def __init__(self, name: str, text: str, log: list[str]) -> None:
        self.name = name
        self.url = ""
        self.text = text
        self.prompts: list[str] = []
        self._log = log
        self._cpu_s = 0.0

    def freeze(self) -> None:
        self._log.append(f"{self.name} sleeps")

    def thaw(self) -> None:
        self._log.append(f"{self.name} wakes")

    def cpu_s(self) -> dict[str, float]:
        self._cpu_s += 0.5
        return {"engine": self._cpu_s}

    async def answer(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.prompts.append(asked["messages"][0]["content"])
        usage = {"prompt_tokens": 9, "completion_tokens": asked["max_tokens"]}
        if not asked.get("stream"):
            message = {"content": self.text}
            return web.json_response({"choices": [{"message": message}], "usage": usage})
        end = json.dumps({"usage": usage}, separators=(",", ":"))
        text = f'data: {{"delta":{{"content":"{self.text}"}}}}\n\ndata: {end}\n\ndata: [DONE]\n\n'
        return web.Response(text=text)


@pytest.fixture
async def doubles() -> AsyncIterator[tuple[Double, Double, list[str]]]:
    log: list[str] = []
    pair = Double("bare", "same", log), Double("ragserve", "same", log)
    runners = []
    for one in pair:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", one.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        runners.append(runner)
    yield *pair, log
    for runner in runners:
        await runner.cleanup()


async def test_turns_change_their_order_from_round_to_round(
    doubles: tuple[Double, Double, list[str]],
) -> None:
    bare, ours, log = doubles
    steps: list[str] = []
    load = Load(1, 4)
    runs = await take_turns([bare, ours], "m", [load], rounds=2, seconds=0.02, on_step=steps.append)
    turns = ["bare", "ragserve", "ragserve", "bare"]
    assert steps == [f"{name}, 1 x 4" for name in turns]
    woken = [f"{name} {what}" for name in turns for what in ("wakes", "sleeps")]
    assert log == ["bare sleeps", "ragserve sleeps", *woken]
    for name in ("bare", "ragserve"):
        assert [run.server_cpu_s for run in runs[load][name]] == [{"engine": 0.5}] * 2
        assert all(run.answers and not run.failures for run in runs[load][name])


async def test_both_get_the_same_prompts(doubles: tuple[Double, Double, list[str]]) -> None:
    bare, ours, _ = doubles
    await take_turns([bare, ours], "m", [Load(1, 4)], rounds=2, seconds=0.02, on_step=_pass)
    shared = min(len(bare.prompts), len(ours.prompts))
    assert bare.prompts[:shared] == ours.prompts[:shared]
    assert len(set(bare.prompts)) == len(bare.prompts) > 2


@pytest.mark.parametrize("said", ["same", "something else"])
async def test_other_texts_are_found_out(
    doubles: tuple[Double, Double, list[str]], said: str
) -> None:
    bare, ours, _ = doubles
    ours.text = said
    found = await same_answers([bare, ours], "m")
    assert found["same_texts"] is (said == "same")
    assert found["same_counts"] is True


def _pass(_: str) -> None:
    pass
