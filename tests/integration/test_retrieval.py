"""Finding passages on a real stack: by meaning and by words, with two retrievers, while documents
come and go, with a cross-encoder, and knowing when there is nothing to find."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from benchmarks.tiny_cross_encoder import build_tiny_cross_encoder
from tests.integration.cluster import Cluster, until

QUEUE = "What happens when a queue is full?"


def find(http: httpx.Client, query: str, **wishes: Any) -> list[dict[str, Any]]:
    answer = http.post("/v1/search", json={"query": query, **wishes})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def write(http: httpx.Client, document_id: str, text: str, **metadata: Any) -> None:
    document = {"id": document_id, "text": text, "metadata": metadata}
    answer = http.post("/v1/documents", json={"documents": [document]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["outcomes"][0]["status"] in ("added", "updated"), answer.text


def found_by(http: httpx.Client, word: str, **wishes: Any) -> set[str]:
    return {one["document_id"] for one in find(http, word, rerank=False, **wishes)}


@pytest.mark.usefixtures("guide")
@pytest.mark.parametrize(
    ("mode", "rerank", "signals"),
    [
        ("dense", False, {"dense"}),
        ("lexical", False, {"lexical"}),
        ("hybrid", False, {"dense", "lexical"}),
        ("hybrid", True, {"dense", "lexical", "rerank"}),
    ],
)
def test_every_mode_finds_the_page_and_says_why(
    http: httpx.Client, mode: str, rerank: bool, signals: set[str]
) -> None:
    best = find(http, QUEUE, mode=mode, rerank=rerank, top_n=3)[0]
    assert best["path"] == "docs/errors.md"
    assert {name for name, value in best["signals"].items() if value is not None} == signals


@pytest.mark.usefixtures("guide")
def test_other_ways_to_put_a_question_are_searched_for_as_well(http: httpx.Client) -> None:
    def pages(**wishes: Any) -> set[str]:
        return {one["path"] for one in find(http, QUEUE, top_n=10, rerank=False, **wishes)}

    assert "docs/drift.md" not in pages()
    assert {"docs/errors.md", "docs/drift.md"} <= pages(queries=["How is drift of queries found?"])


def test_words_of_any_script_are_found(http: httpx.Client) -> None:
    texts = {
        "ja": "検索は速い。",
        "fr": "L’ÉLÉPHANT naïf",
        "emoji": "🎉 confetti 🎉",
        "el": "Ωμέγα",
    }
    for name, text in texts.items():
        write(http, f"script-{name}", text)
    asked = {"ja": "検索", "fr": "elephant", "emoji": "confetti", "el": "ωμέγα"}
    for name, word in asked.items():
        assert f"script-{name}" in found_by(http, word, mode="lexical"), word
        assert http.delete(f"/v1/documents/script-{name}").status_code == 200


def test_copies_of_a_document_do_not_crowd_the_others_out(http: httpx.Client) -> None:
    text = "The axolotl regrows its limbs, its tail and parts of its heart within weeks."
    for number in range(4):
        write(http, f"copy-{number}", text, kind="amphibian")
    write(http, "copy-other", "The axolotl lives in lakes near Mexico City.", kind="amphibian")
    results = find(http, "axolotl", filter={"kind": "amphibian"}, top_n=5)
    assert sorted(len(one["text"]) for one in results) == sorted(
        [len(text), len("The axolotl lives in lakes near Mexico City.")]
    )
    for name in (*range(4), "other"):
        http.delete(f"/v1/documents/copy-{name}")


@pytest.mark.usefixtures("guide")
def test_a_calibrated_collection_answers_its_own_questions_and_no_others(
    cluster: Cluster, http: httpx.Client
) -> None:
    said = cluster.run("calibrate", "--home", str(cluster.home)).stdout
    assert "retrieval-minilm" in said
    assert http.post("/v1/query", json={"query": QUEUE}).json()["grounded"]
    other = http.post("/v1/query", json={"query": "Which wine goes with grilled trout?"}).json()
    assert not other["grounded"]
    assert "no information" in other["answer"]


@pytest.fixture(scope="module")
def two_retrievers(cluster: Cluster) -> Iterator[Cluster]:
    """The shared stack with a second retriever over the same store; it is gone afterwards."""

    def count() -> int:
        return len(cluster.pids("retrieval-minilm", "Retriever"))

    config = cluster.config()
    [retriever] = [
        one for one in config["applications"][1]["deployments"] if one["name"] == "Retriever"
    ]
    retriever["autoscaling_config"] |= {"min_replicas": 2, "max_replicas": 2}
    cluster.deploy(config)
    until(lambda: count() == 2, within_s=90, what="two retrievers run")
    yield cluster
    cluster.deploy(cluster.config())
    until(lambda: count() == 1, within_s=90, what="one retriever is left")


def test_what_one_retriever_wrote_every_search_after_it_sees(
    two_retrievers: Cluster, http: httpx.Client
) -> None:
    def by_many(word: str, **wishes: Any) -> list[set[str]]:
        with ThreadPoolExecutor(6) as pool:
            return list(pool.map(lambda _: found_by(http, word, **wishes), range(6)))

    for number in range(8):
        name = f"seen-{number}"
        former, latter = f"quokka{number}", f"numbat{number}"
        write(http, name, f"The {former} sleeps in the shade.")
        assert all(name in found for found in by_many(former, mode="lexical"))
        write(http, name, f"The {latter} sleeps in the shade.")
        assert not any(by_many(former, mode="lexical"))
        assert all(name in found for found in by_many(latter))
        assert http.delete(f"/v1/documents/{name}").status_code == 200
        assert not any(by_many(latter, mode="lexical"))
        assert not any(name in found for found in by_many("sleeps in the shade"))


def test_searches_go_on_while_documents_come_and_go(
    two_retrievers: Cluster, http: httpx.Client
) -> None:
    done = Event()
    statuses: list[int] = []

    def ask() -> None:
        while not done.is_set():
            answer = http.post(
                "/v1/search", json={"query": "the wombat digs", "rerank": False, "top_n": 5}
            )
            statuses.append(answer.status_code)

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        for number in range(15):
            write(http, f"churn-{number}", f"The wombat digs burrow {number}.")
            if number >= 5:
                assert http.delete(f"/v1/documents/churn-{number - 5}").status_code == 200
        done.set()
        for one in asking:
            one.result()
    assert len(statuses) > 15
    assert set(statuses) == {200}
    expected = {f"churn-{number}" for number in range(10, 15)}
    assert found_by(http, "wombat", mode="lexical", top_k=30, top_n=30) == expected
    for name in expected:
        http.delete(f"/v1/documents/{name}")


@pytest.fixture(scope="module")
def cross_encoder(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The shared stack with a release whose reranker is a cross-encoder; it is gone afterwards."""
    folder: Path = tmp_path_factory.mktemp("cross-encoder")
    build_tiny_cross_encoder(folder)
    config = cluster.config()
    usual = config["applications"][1]
    args = usual["args"] | {"reranker": {"engine": "cross-encoder", "model": str(folder)}}
    args["store"] = args["store"] | {"collection": "crossed"}
    config["applications"].insert(2, usual | {"name": "retrieval-crossed", "args": args})
    releases = config["applications"][0]["deployments"][0]["user_config"]["releases"]
    releases["crossed"] = releases["minilm-extractive"] | {
        "retrieval": "retrieval-crossed",
        "min_relevance_score": 0.0,
    }

    def status() -> str:
        found: str = cluster.applications().get("retrieval-crossed", {}).get("status", "")
        return found

    cluster.deploy(config)
    until(lambda: status() == "RUNNING", within_s=180, what="the cross-encoder runs")
    yield cluster
    cluster.deploy(cluster.config())
    until(lambda: not status(), within_s=60, what="the cross-encoder is gone")


def test_a_cross_encoder_judges_what_was_found(cross_encoder: Cluster, http: httpx.Client) -> None:
    for number, text in enumerate(["The ibex climbs cliffs.", "The ibex eats grass.", "Tea."]):
        write(http, f"crossed-{number}", text)
    body = {
        "model": "ragserve:crossed",
        "messages": [{"role": "user", "content": "What does the ibex eat?"}],
    }
    answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    own = answer.json()["ragserve"]
    assert own["release"] == "crossed"
    assert own["degraded"] == []
    scores = [source["signals"]["rerank"] for source in own["sources"]]
    assert len(scores) == 3
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert len(set(scores)) == 3
    for number in range(3):
        http.delete(f"/v1/documents/crossed-{number}")
