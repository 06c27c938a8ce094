"""Conversations of several users through a whole stack, and what is left of one who was erased:
nothing in any store, spool or database, also where MLflow is away meanwhile."""

import gzip
import secrets
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from benchmarks.peers.mlflow_server import MlflowServer
from tests.integration.cluster import Cluster, until
from tests.openai_peer import OpenAIPeer

TURNS = 5
MODEL = "ragserve:steady"
_SPOOL_HEADER_BYTES = 8


@pytest.fixture(scope="module")
def keeping(cluster: Cluster, guide: str, mlflow: MlflowServer) -> Iterator[Cluster]:
    """The stack with conversations, a language model that answers, and a tracker that knows where
    traces are; as it was afterwards."""
    config = cluster.config()
    live = config["applications"][0]["deployments"][0]["user_config"]
    live["conversations"] = {"enabled": True}
    live["traffic"] = {"steady": 1.0}
    live["releases"]["steady"]["cache"] = {"answer": True, "sampling": "any"}
    control = config["applications"][-1]
    assert control["name"] == "control"
    control["args"]["tracker"] = {"mlflow_url": mlflow.url}
    cluster.deploy(config)

    def erases() -> bool:
        response = delete_user(cluster, "nobody")
        return response.status_code == 200 and not owed(response.json())

    until(erases, within_s=90, what="every place erases")
    yield cluster
    cluster.deploy(cluster.config())
    cluster.wait_ready()
    until(
        lambda: httpx.post(f"{cluster.url}/v1/conversations", json={}).status_code == 404,
        within_s=60,
        what="conversations are off again",
    )


@pytest.fixture
def killed(mlflow: MlflowServer) -> Iterator[MlflowServer]:
    """MLflow, which runs again at the end whatever the test has done to it."""
    yield mlflow
    if not mlflow.is_running:
        mlflow.start()


@dataclass
class User:
    """Somebody who asks; no text but theirs has their mark."""

    http: httpx.Client
    name: str
    mark: str
    conversation: str = ""

    def begin(self) -> None:
        made = self.http.post("/v1/conversations", json={"user": self.name, "title": self.mark})
        assert made.status_code == 201, made.text
        self.conversation = made.json()["id"]

    def ask(self, n: int, **fields: Any) -> dict[str, Any]:
        """Asks the n-th question of the conversation."""
        body = {
            "query": self.question(n),
            "conversation_id": self.conversation,
            "user": self.name,
            **fields,
        }
        response = self.http.post("/v1/query", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        assert answer["conversation_id"] == self.conversation
        assert "conversation" not in answer["degraded"]
        return answer

    def question(self, n: int) -> str:
        return f"What does Retry-After say? {self.mark}-{n}"

    def messages(self) -> list[dict[str, Any]]:
        response = self.http.get(
            f"/v1/conversations/{self.conversation}/messages",
            params={"user": self.name, "limit": 100},
        )
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["data"]
        return found


@pytest.fixture
def users(keeping: Cluster, http: httpx.Client) -> list[User]:
    # Marks of each test are its own: what was asked before is given again from the cache.
    marks = [f"{color}{secrets.token_hex(4)}" for color in ("amber", "cobalt")]
    found = [User(http, f"user-{mark[:-8]}", mark) for mark in marks]
    for user in found:
        user.begin()
    return found


def delete_user(cluster: Cluster, user: str) -> httpx.Response:
    key = (cluster.home / "admin_key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.delete(f"{cluster.url}/v1/users/{user}", headers=headers, timeout=60)


def receipt(cluster: Cluster, deletion: str) -> dict[str, Any]:
    key = (cluster.home / "admin_key").read_text().strip()
    response = httpx.get(
        f"{cluster.url}/v1/deletions/{deletion}",
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def owed(found: dict[str, Any]) -> dict[str, str]:
    """Returns what places owe, with the reason."""
    return {one["place"]: one["reason"] for one in found["places"] if one["state"] == "owed"}


def prompts(peer: OpenAIPeer, since: int) -> list[str]:
    """Returns what the model was shown, a text for each call."""
    return [
        "\n".join(str(message["content"]) for message in one.body.get("messages", ()))
        for one in peer.requests[since:]
    ]


def in_home(word: str, home: Path) -> set[str]:
    """Returns the files of the stack that have a word, also compressed."""
    found = set()
    for path in home.rglob("*"):
        if not path.is_file() or path.is_symlink():
            continue
        try:
            content = path.read_bytes()
            if path.suffix == ".batch":
                content = gzip.decompress(content[_SPOOL_HEADER_BYTES:])
        except FileNotFoundError:
            continue  # a spool is emptied meanwhile
        if word.encode() in content:
            found.add(str(path.relative_to(home)))
    return found


def in_mlflow(word: str, mlflow: MlflowServer) -> set[str]:
    """Returns the rows and artifacts of MLflow that have a word; it overwrites no page of its own
    file, so its bytes say nothing."""
    with closing(sqlite3.connect(f"file:{mlflow.folder / 'mlflow.db'}?mode=ro", uri=True)) as rows:
        found = {line[:60] for line in rows.iterdump() if word in line}
    artifacts = (mlflow.folder / "artifacts").rglob("*")
    return found | {
        str(one) for one in artifacts if one.is_file() and word.encode() in one.read_bytes()
    }


def test_five_turns_of_two_users_stay_apart(users: list[User], openai_peer: OpenAIPeer) -> None:
    since = len(openai_peer.requests)
    with ThreadPoolExecutor(len(users)) as pool:
        for n in range(1, TURNS + 1):
            list(pool.map(User.ask, users, [n] * len(users)))
    shown = prompts(openai_peer, since)
    assert shown
    for user, other in (users, users[::-1]):
        assert [one for one in shown if user.mark in one and other.mark in one] == []
        whole = [f"{user.mark}-{n}" for n in range(1, TURNS + 1)]
        assert any(all(mark in one for mark in whole) for one in shown), "what was said before"
        kept = user.messages()
        asked = [one["content"] for one in kept if one["role"] == "user"]
        assert asked == [user.question(n) for n in range(1, TURNS + 1)]
        assert len(kept) == 2 * TURNS
        assert {one["status"] for one in kept} == {"completed"}
        listed = user.http.get("/v1/conversations", params={"user": user.name}).json()["data"]
        assert user.conversation in {one["id"] for one in listed}
        assert other.conversation not in {one["id"] for one in listed}
        foreign = f"/v1/conversations/{other.conversation}"
        for path in (foreign, f"{foreign}/messages"):
            assert user.http.get(path, params={"user": user.name}).status_code == 404


def test_the_chat_goes_on_with_a_conversation(users: list[User], openai_peer: OpenAIPeer) -> None:
    user, _ = users
    user.ask(1)
    since = len(openai_peer.requests)
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": user.question(2)}],
        "conversation_id": user.conversation,
        "user": user.name,
    }
    whole = user.http.post("/v1/chat/completions", json=body)
    assert whole.status_code == 200, whole.text
    assert whole.json()["ragserve"]["conversation_id"] == user.conversation
    body["messages"] = [{"role": "user", "content": user.question(3)}]
    streamed = user.http.post("/v1/chat/completions", json=body | {"stream": True})
    assert streamed.text.rstrip().endswith("data: [DONE]")
    marks = [f"{user.mark}-{n}" for n in (1, 2, 3)]
    assert any(all(mark in one for mark in marks) for one in prompts(openai_peer, since))
    asked = [one["content"] for one in user.messages() if one["role"] == "user"]
    assert asked == [user.question(n) for n in (1, 2, 3)]


def test_the_responses_api_goes_on_from_a_response(
    keeping: Cluster, openai_peer: OpenAIPeer
) -> None:
    since = len(openai_peer.requests)
    with openai.OpenAI(base_url=f"{keeping.url}/v1", api_key="sk-anybody", max_retries=0) as client:
        first = client.responses.create(model=MODEL, input="What does Retry-After say? jade-1")
        second = client.responses.create(
            model=MODEL,
            input="What does Retry-After say? jade-2",
            previous_response_id=first.id,
        )
        assert client.responses.retrieve(second.id).output_text == second.output_text
        with pytest.raises(openai.ConflictError):
            client.responses.create(model=MODEL, input="hm", previous_response_id=first.id)
    assert any("jade-1" in one and "jade-2" in one for one in prompts(openai_peer, since))


def test_nothing_is_left_of_a_user_who_was_erased(
    keeping: Cluster, users: list[User], mlflow: MlflowServer
) -> None:
    amber, cobalt = users
    for user in users:
        for n in (1, 2):
            user.ask(n)
        # Kept by the cache, too: it goes on with no conversation.
        alone = {"query": user.question(9), "user": user.name}
        assert user.http.post("/v1/query", json=alone).status_code == 200
    until(
        lambda: all(in_mlflow(user.mark, mlflow) for user in users),
        within_s=20,
        what="traces of both are in MLflow",
    )
    deletion = delete_user(keeping, amber.name).json()
    assert {one["place"] for one in deletion["places"]} == {
        *("conversations", "answers", "cache", "query_samples"),
        *("traces", "trace_spool", "assessments"),
    }
    assert not deletion["is_done"], "requests that had begun before may still leave something"
    until(lambda: not owed(receipt(keeping, deletion["id"])), within_s=30, what="no place owes")
    until(
        lambda: not (in_home(amber.mark, keeping.home) or in_mlflow(amber.mark, mlflow)),
        within_s=30,
        what="nothing is left of amber",
    )
    gone = amber.http.get(f"/v1/conversations/{amber.conversation}", params={"user": amber.name})
    assert gone.status_code == 404
    assert [one["content"] for one in cobalt.messages() if one["role"] == "user"] == [
        cobalt.question(1),
        cobalt.question(2),
    ]
    assert in_home(cobalt.mark, keeping.home)
    assert in_mlflow(cobalt.mark, mlflow)


def test_what_mlflow_owes_is_paid_when_it_is_back(
    keeping: Cluster, users: list[User], killed: MlflowServer
) -> None:
    _, cobalt = users
    cobalt.ask(1)
    until(
        lambda: in_mlflow(cobalt.mark, killed),
        within_s=20,
        what="the trace is in MLflow",
    )
    killed.kill()
    deletion = delete_user(keeping, cobalt.name).json()
    assert set(owed(deletion)) == {"traces"}, deletion
    assert in_home(cobalt.mark, keeping.home) == set()
    killed.start()
    until(
        lambda: not owed(receipt(keeping, deletion["id"])),
        within_s=60,
        what="MLflow has erased what it owed",
    )
    assert in_mlflow(cobalt.mark, killed) == set()
