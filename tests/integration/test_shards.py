"""A retriever of two shards on a real stack finds what one finds, and goes on without one."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.cluster import REPOSITORY, Cluster, until
from tests.integration.test_retrieval import write

WHOLE, DEALT = "retrieval-whole", "retrieval-dealt"
MODES = ("hybrid", "lexical", "dense")
QUESTIONS = [
    "What happens when a queue is full?",
    'which errors have the code "deadline_exceeded"',
    "how do i instal the servise",
    "max_batch_tokens of the embedder",
    "RAGSERVE_INDEX_DIR",
    "Which files may be removed while the service runs?",
]


PAGES = [
    f"docs/{page.name}"
    for page in sorted((REPOSITORY / "docs").glob("*.md"))
    if page.name != "retrieval.md"
]
"""Some 1,600 chunks: of up to 2,000 all vectors are compared, of more those that an estimate finds
likely, of which shards pass over fewer than one index does."""


def ask(
    http: httpx.Client, question: str, release: str, among: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Returns what a release says of its answer: sources in their order, and what it lacks."""
    body: dict[str, Any] = {
        "model": f"ragserve:{release}",
        "messages": [{"role": "user", "content": question}],
    }
    if among is not None:
        body["ragserve"] = {"filter": among}
    answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    own: dict[str, Any] = answer.json()["ragserve"]
    assert own["release"] == release
    return own


def chunks(found: dict[str, Any]) -> list[str]:
    return [one["chunk_id"] for one in found["sources"]]


@pytest.fixture(scope="module")
def dealt(cluster: Cluster) -> Iterator[Cluster]:
    """The shared stack with the same collection once more as a whole and dealt over two shards;
    they are gone afterwards. Both are made anew, which another address of the store has done: the
    counts of words of an index that has lived for a while have documents in them that were deleted
    since."""
    config = cluster.config()
    usual = config["applications"][1]
    store = usual["args"]["store"]["url"].replace("127.0.0.1", "localhost")
    config["applications"][2:2] = [
        _retrieval(usual, WHOLE, ["Retriever"], store=usual["args"]["store"] | {"url": store}),
        _retrieval(usual, DEALT, ["Retriever-1", "Retriever-2"], shards=2),
    ]
    releases = config["applications"][0]["deployments"][0]["user_config"]["releases"]
    release = releases["minilm-extractive"] | {"rerank": False, "top_n": 12}
    for mode in MODES:
        releases[f"whole-{mode}"] = release | {"mode": mode, "retrieval": WHOLE}
        releases[f"dealt-{mode}"] = release | {"mode": mode, "retrieval": DEALT}

    def statuses() -> list[str]:
        running = cluster.applications()
        return [running[name]["status"] for name in (WHOLE, DEALT) if name in running]

    cluster.deploy(config)
    until(lambda: statuses() == ["RUNNING"] * 2, within_s=180, what="the shards run")
    yield cluster
    cluster.deploy(cluster.config())
    until(lambda: not statuses(), within_s=60, what="the shards are gone")


def _retrieval(
    usual: dict[str, Any], name: str, retrievers: list[str], **args: Any
) -> dict[str, Any]:
    """Returns the usual retrieval application with other retrievers, in less room."""
    deployments = []
    for deployment in usual["deployments"]:
        small = {**deployment, "ray_actor_options": {"num_cpus": 0.1}}
        names = retrievers if deployment["name"] == "Retriever" else [deployment["name"]]
        deployments += [{**small, "name": one} for one in names]
    return usual | {"name": name, "args": usual["args"] | args, "deployments": deployments}


@pytest.mark.usefixtures("guide")
def test_two_shards_find_what_one_finds(dealt: Cluster, http: httpx.Client) -> None:
    for mode in MODES:
        for question in QUESTIONS:
            among = None if mode == "lexical" else {"path": {"$in": PAGES}}
            one = ask(http, question, f"whole-{mode}", among)
            two = ask(http, question, f"dealt-{mode}", among)
            assert chunks(one)
            assert chunks(two) == chunks(one), (mode, question)
            assert two["degraded"] == one["degraded"] == []
    # A search that begins after a write sees it, whichever shard has the document.
    for number in range(4):
        write(http, f"dealt-{number}", f"The narwhal {number} sings under the ice.")
        found = ask(http, f"Which narwhal {number} sings?", "dealt-lexical")
        assert found["sources"][0]["document_id"] == f"dealt-{number}"
    for number in range(4):
        assert http.delete(f"/v1/documents/dealt-{number}").status_code < 300
    assert not ask(http, "narwhal", "dealt-lexical")["sources"]


@pytest.mark.usefixtures("guide")
def test_answers_go_on_without_a_shard_and_are_whole_again(
    dealt: Cluster, http: httpx.Client
) -> None:
    question = QUESTIONS[0]
    whole = ask(http, question, "dealt-hybrid")
    [pid] = dealt.pids(DEALT, "Retriever-2").values()
    os.kill(pid, signal.SIGKILL)
    seen: list[list[str]] = []
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s:
        found = ask(http, question, "dealt-hybrid")
        seen.append(found["degraded"])
        if not found["degraded"] and ["retriever:shard-2"] in seen:
            break
        time.sleep(0.1)
    assert ["retriever:shard-2"] in seen
    assert all(degraded in ([], ["retriever:shard-2"]) for degraded in seen)
    assert seen[-1] == [], "it is whole again"
    assert chunks(ask(http, question, "dealt-hybrid")) == chunks(whole)
