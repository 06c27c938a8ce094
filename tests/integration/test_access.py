"""Keys and tenants on the shared stack, which is open: whoever has a key is who it says, bounded as
it says, and sees what is its tenant's."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.integration.cluster import Cluster
from tests.openai_peer import OpenAIPeer

CHAT = {
    "model": "scripted",
    "messages": [{"role": "user", "content": "say it once and for all readers"}],
}
REVOKED_WITHIN_S = 2.0


class Keys:
    """Makes keys by the command line, and remembers their secrets."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.secrets: list[str] = []
        self.ids: dict[str, str] = {}

    def run(self, *args: str) -> str:
        return self._cluster.run(*args, "--home", str(self._cluster.home)).stdout

    def make(self, *options: str) -> dict[str, str]:
        """Returns headers of a new key."""
        made = json.loads(self.run("keys", "create", "test", "--json", *options))
        self.secrets.append(made["secret"])
        self.ids[made["secret"]] = made["id"]
        return {"Authorization": f"Bearer {made['secret']}"}

    @property
    def admin_key(self) -> str:
        return (self._cluster.home / "admin_key").read_text().strip()

    def id_of(self, headers: dict[str, str]) -> str:
        return self.ids[headers["Authorization"].split()[1]]


@pytest.fixture(scope="module")
def keys(cluster: Cluster) -> Keys:
    made = Keys(cluster)
    for tenant in ("acme", "beta"):
        made.run("tenants", "create", tenant)
    return made


def answer(http: httpx.Client, headers: dict[str, str], question: str) -> str:
    response = http.post("/v1/query", json={"query": question}, headers=headers)
    assert response.status_code == 200, response.text
    return response.text


def test_two_tenants_have_equal_documents_and_see_their_own(http: httpx.Client, keys: Keys) -> None:
    both = {}
    for tenant in ("acme", "beta"):
        both[tenant] = keys.make("--tenant", tenant, "--scope", "query", "--scope", "ingest")
        text = f"The safe of the house is opened by the word {tenant}-{tenant[::-1]}."
        body = {"documents": [{"id": "safe", "path": "safe.md", "text": text}]}
        assert http.post("/v1/documents", json=body, headers=both[tenant]).json()["added"] == 1
    question = "By which word is the safe of the house opened?"
    for tenant, other in (("acme", "beta"), ("beta", "acme")):
        said = answer(http, both[tenant], question)
        assert f"{tenant}-{tenant[::-1]}" in said
        assert f"{other}-{other[::-1]}" not in said
    assert "acme-emca" not in http.post("/v1/query", json={"query": question}).text
    assert http.delete("/v1/documents/safe", headers=both["acme"]).status_code == 200
    assert http.get("/v1/documents/safe", headers=both["acme"]).status_code == 404
    assert "beta-ateb" in answer(http, both["beta"], question)
    assert http.get("/v1/documents/safe").status_code == 404


@pytest.mark.usefixtures("guide")
def test_a_revoked_key_opens_nothing_within_two_seconds(http: httpx.Client, keys: Keys) -> None:
    took_s = []
    for _ in range(5):
        headers = keys.make()
        assert http.get("/v1/models", headers=headers).status_code == 200
        path = f"/admin/keys/{keys.id_of(headers)}"
        admin = {"Authorization": f"Bearer {keys.admin_key}"}
        assert http.delete(path, headers=admin).status_code == 200
        began_s = time.monotonic()
        while http.get("/v1/models", headers=headers).status_code == 200:
            assert time.monotonic() - began_s < 10
            time.sleep(0.02)
        took_s.append(time.monotonic() - began_s)
    assert max(took_s) <= REVOKED_WITHIN_S


def test_a_key_is_bounded_and_told_so(http: httpx.Client, keys: Keys) -> None:
    headers = keys.make("--tenant", "acme", "--requests-per-min", "3")
    answers = [http.get("/v1/models", headers=headers) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["x-ratelimit-remaining-requests"] for one in answers[:3]] == ["2", "1", "0"]
    refused = answers[3]
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    other = keys.make("--tenant", "acme")
    assert http.get("/v1/models", headers=other).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_hundred_retries_at_once_ask_the_model_once(
    cluster: Cluster, openai_peer: OpenAIPeer, keys: Keys, stream: bool
) -> None:
    headers = keys.make("--tenant", "beta") | {"Idempotency-Key": f"order-{stream}"}
    content = f"slow repetition {stream} and again"
    body: dict[str, Any] = {**CHAT, "model": "peer", "stream": stream}
    body["messages"] = [{"role": "user", "content": content}]

    def ask(_: int) -> httpx.Response:
        with httpx.Client(base_url=cluster.url, timeout=30) as client:
            return client.post("/v1/chat/completions", json=body, headers=headers)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(100)))
    assert {one.status_code for one in answers} == {200}
    assert len({one.content for one in answers}) == 1
    assert sum(content in json.dumps(asked.body) for asked in openai_peer.requests) == 1


def test_a_tenant_is_erased_with_a_receipt(http: httpx.Client, keys: Keys) -> None:
    keys.run("tenants", "create", "leaving")
    headers = keys.make("--tenant", "leaving", "--scope", "query", "--scope", "ingest")
    body = {
        "documents": [{"id": "d", "path": "d.md", "text": "The word of the leaving is zephyr."}]
    }
    assert http.post("/v1/documents", json=body, headers=headers).json()["added"] == 1
    keys.run("tenants", "delete", "leaving")
    receipt = json.loads(keys.run("tenants", "erase", "leaving", "--json"))
    assert receipt["is_done"]
    counts = {place["place"]: place["counts"] for place in receipt["places"]}
    assert sum(counts["retrieval-minilm"].values()) > 0
    again = json.loads(keys.run("tenants", "erase", "leaving", "--json"))
    assert sum(sum(place["counts"].values()) for place in again["places"]) == 0


def test_the_log_is_whole_and_no_file_has_a_secret(cluster: Cluster, keys: Keys) -> None:
    keys.make()
    assert "log is whole" in keys.run("audit", "--verify")
    told = [secret.removeprefix("rs_live_").encode() for secret in keys.secrets]
    found = [
        file
        for folder in (cluster.home, cluster.ray_dir)
        for file in folder.rglob("*")
        if file.is_file() and any(secret in file.read_bytes() for secret in told)
    ]
    assert found == []
