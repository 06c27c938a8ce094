"""What clients that are slow, large or many cost the others, through real sockets."""

import json
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx

from tests.integration.cluster import Cluster
from tests.unit.app.api.requests.test_problems import assert_problem

HALF_A_BODY = (
    b"POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Content-Length: 200\r\n\r\n{"query": "What'
)


def stalled(cluster: Cluster) -> socket.socket:
    """A connection on which half a body has come."""
    address = urlsplit(cluster.url)
    connection = socket.create_connection((address.hostname or "", address.port or 0), timeout=30)
    connection.sendall(HALF_A_BODY)
    return connection


def test_bodies_that_stall_hold_no_place_and_end(cluster: Cluster, http: httpx.Client) -> None:
    """More of them than requests may run at once."""
    connections = [stalled(cluster) for _ in range(40)]
    try:
        time.sleep(0.5)
        for _ in range(5):
            assert http.post("/v1/search", json={"query": "What is a queue?"}).status_code == 200
        answers = [connection.recv(4096) for connection in connections]
    finally:
        for connection in connections:
            connection.close()
    assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 408 Request Timeout"}


def test_a_large_upload_holds_nobody_up(cluster: Cluster) -> None:
    text = "The quick brown fox, “typographic” quotes — and a line.\n" * 400
    documents = [{"path": f"large/{place}.md", "text": text} for place in range(360)]
    # What is wrong with the last one has it all read, and none of it indexed.
    body = json.dumps({"documents": [*documents, {"path": 7}]}, ensure_ascii=False).encode()
    assert len(body) > 8 * 2**20
    longest_s, done = 0.0, threading.Event()
    answers: list[httpx.Response] = []

    def upload() -> None:
        with httpx.Client(base_url=cluster.url, timeout=60) as client:
            headers = {"content-type": "application/json"}
            answers.append(client.post("/v1/documents", content=body, headers=headers))
        done.set()

    threading.Thread(target=upload).start()
    with httpx.Client(base_url=cluster.url, timeout=60) as client:
        while not done.is_set():
            started_s = time.perf_counter()
            assert client.get("/health/live").status_code == 200
            longest_s = max(longest_s, time.perf_counter() - started_s)
    assert_problem(answers[0], 422, "invalid_request")
    assert longest_s < 0.25, "it was 0.4 s where the gateway read the documents itself"
