"""Ratings over HTTP: seen on their traces in a real MLflow server, and by a rollout that is rolled
back because its canary is liked less."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from benchmarks.peers.mlflow_server import MlflowServer
from deployments.tracking.mlflow.server import open_client, open_traces
from tests.integration.cluster import Cluster, until
from tests.integration.test_rollouts import POLICY, Operator, operator  # noqa: F401

QUESTION = "What happens when a queue is full?"
LIKING = POLICY | {
    "steps": [{"weight": 0.5, "min_requests": 100_000, "deadline_s": 240}],
    "guardrails": {
        **POLICY["guardrails"],  # type: ignore[dict-item]
        "feedback": {"margin": 0.05, "weight": 20, "min_ratings": 40},
    },
    "warm_up_s": 0,
}


@pytest.fixture(scope="module")
def recorded(cluster: Cluster, mlflow: MlflowServer, guide: str) -> Iterator[Cluster]:
    """The shared stack, whose tracker knows where the traces are."""
    assert guide
    renew_control(cluster, with_tracker(cluster, mlflow))
    yield cluster
    renew_control(cluster, cluster.config())


def renew_control(cluster: Cluster, config: dict[str, Any]) -> None:
    """Deploys a config that changes what the control application is given, and waits until all its
    deployments have other replicas: until then the gateway is ready, and they are away."""
    before = cluster.pids("control")
    cluster.deploy(config)

    def is_renewed() -> bool:
        now = cluster.pids("control")
        return len(now) == len(before) and not now.keys() & before.keys()

    until(is_renewed, within_s=120, what="the control application is deployed anew")
    cluster.wait_ready()


def with_tracker(cluster: Cluster, mlflow: MlflowServer) -> dict[str, Any]:
    config = cluster.config()
    control = config["applications"][-1]
    assert control["name"] == "control"
    control["args"]["tracker"] = {"mlflow_url": mlflow.url, "traces_experiment": "ragserve"}
    return config


class Ratings:
    """Somebody who asks, and rates the answers."""

    def __init__(self, http: httpx.Client, mlflow: MlflowServer) -> None:
        self._http = http
        self._mlflow = mlflow

    def ask(self, user: str) -> tuple[str, str, str]:
        """Returns the id of the answer, of its trace, and who answered."""
        answer = self._http.post("/v1/query", json={"query": QUESTION, "user": user})
        assert answer.status_code == 200, answer.text
        trace_id = answer.headers["traceparent"].split("-")[1]
        return answer.json()["request_id"], trace_id, answer.json()["release"]

    def rate(self, request_id: str, **said: Any) -> dict[str, Any]:
        """Rates an answer; a tracker that was just restarted is asked again, as clients do."""

        def post() -> Any:
            response = self._http.post("/v1/feedback", json={"request_id": request_id} | said)
            return None if response.status_code == 503 else response

        answer: httpx.Response = until(post, within_s=30, what="the tracker takes the rating")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def on_trace(self, trace_id: str) -> dict[str, Any]:
        """Returns what is said of a trace, by name; nothing where it is not there yet."""
        try:
            info = open_traces(self._mlflow.url).get_trace_info(f"tr-{trace_id}")
        except Exception:
            return {}
        names = Counter(one.name for one in info.assessments)
        assert all(count == 1 for count in names.values()), names
        return {one.name: one for one in info.assessments}

    def await_all(self, trace_id: str, *names: str, within_s: float = 60) -> dict[str, Any]:
        """Returns what is said of a trace once all of that is there; each is written by itself."""

        def look() -> Any:
            now = self.on_trace(trace_id)
            return now if set(names) <= set(now) else None

        found: dict[str, Any] = until(look, within_s=within_s, what=f"{names} on the trace")
        return found


@pytest.fixture
def ratings(recorded: Cluster, http: httpx.Client, mlflow: MlflowServer) -> Ratings:
    return Ratings(http, mlflow)


def test_a_thumb_is_an_assessment_on_the_trace(ratings: Ratings) -> None:
    request_id, trace_id, release = ratings.ask("zoe")
    said = {"comment": "Ask jane.doe@example.org.", "correction": "It is refused.", "user": "zoe"}
    kept = ratings.rate(request_id, thumb="down", **said)
    assert (kept["trace_id"], kept["release"], kept["comment"]) == (
        *(trace_id, release),
        "Ask <EMAIL_1>.",
    )
    found = ratings.await_all(trace_id, "feedback", "expected_response")
    feedback, expected = found["feedback"], found["expected_response"]
    assert feedback.value is False
    assert feedback.rationale == "Ask <EMAIL_1>."
    assert (feedback.source.source_type, feedback.source.source_id) == ("HUMAN", "zoe")
    assert expected.value == "It is refused."
    ratings.rate(request_id, score=0.75, user="zoe")

    def changed_now() -> Any:
        now = ratings.on_trace(trace_id)
        # Between the two there may be none.
        return now if "feedback" in now and now["feedback"].value == 0.75 else None

    changed = until(changed_now, within_s=60, what="the score has taken its place")
    assert set(changed) == {"feedback"}


def test_ratings_wait_while_mlflow_is_away(ratings: Ratings, mlflow: MlflowServer) -> None:
    mlflow.kill()
    try:
        request_id, trace_id, _ = ratings.ask("ben")
        ratings.rate(request_id, thumb="up")
    finally:
        mlflow.start()
    found = ratings.await_all(trace_id, "feedback", within_s=120)
    assert found["feedback"].value is True


def test_what_was_never_answered_cannot_be_rated(ratings: Ratings, http: httpx.Client) -> None:
    answer = http.post("/v1/feedback", json={"request_id": "no-such-answer", "thumb": "up"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_user_who_goes_takes_their_rating_off_a_trace(
    ratings: Ratings,
    operator: Operator,  # noqa: F811
    http: httpx.Client,
) -> None:
    request_id, trace_id, _ = ratings.ask("stays")
    ratings.rate(request_id, thumb="down", user="goes")
    ratings.await_all(trace_id, "feedback")
    key = (operator.cluster.home / "admin_key").read_text()
    gone = http.delete("/v1/users/goes", headers={"Authorization": f"Bearer {key}"})
    assert gone.status_code == 200, gone.text
    receipt = {one["place"]: one for one in gone.json()["places"]}["assessments"]
    assert (receipt["state"], receipt["counts"]["assessments"]) == ("erased", 1)
    assert ratings.on_trace(trace_id) == {}


@pytest.mark.long
def test_a_canary_that_is_liked_less_is_rolled_back(
    ratings: Ratings,
    operator: Operator,  # noqa: F811
    mlflow: MlflowServer,
) -> None:
    operator.policy.write_text(yaml.safe_dump(LIKING))
    operator.run(
        *("rollout", "start", "steady-too", "--stable", "steady"),
        *("--policy", str(operator.policy)),
    )
    until(lambda: operator.get("/admin/releases")["rollout"], within_s=5, what="it has begun")
    given: Counter[str] = Counter()
    latest: dict[str, Any] = {"phase": "running"}
    until_s = time.monotonic() + 180
    for number in itertools.count():
        request_id, _, release = ratings.ask(f"user-{number}")
        given[release] += 1
        # Of stable's answers every tenth is disliked, of the canary's every second.
        disliked = given[release] % (2 if release == "steady-too" else 10) == 0
        ratings.rate(request_id, thumb="down" if disliked else "up", user=f"user-{number}")
        if number % 20 == 0:
            [latest] = operator.get("/admin/rollouts?limit=1")["rollouts"]
        if latest["phase"] != "running" or time.monotonic() > until_s:
            break
    assert latest["phase"] == "rolled_back", given
    assert latest["reason"].startswith("ratings of answers: ")
    verdicts = operator.get(f"/admin/rollouts/{latest['id']}")["verdicts"]
    [feedback] = [one for one in verdicts if one["metric"] == "feedback"]
    assert feedback["outcome"] == "fail"
    assert feedback["canary"] < 0.7 < feedback["baseline"]
    assert operator.get("/admin/traffic")["weights"] == {"steady": 1.0}
    scores = {one["release"]: one for one in operator.get("/v1/feedback/releases")["data"]}
    assert scores["steady-too"]["high"] < scores["steady"]["mean"]
    told = yaml.safe_load(operator.run("feedback", "--release", "steady-too", "--json"))
    assert told["answers"][0]["thumb"] == "down"
    assert any(
        one["recorded"] and one["recorded"]["question"] == QUESTION for one in told["answers"]
    )
    until(
        lambda: figures_of(mlflow, "steady-too").get("feedback_score", 1.0) < 0.7,
        within_s=200,
        what="the score is a figure of the release's run",
    )


def test_answers_are_judged_after_they_went_out(
    ratings: Ratings, recorded: Cluster, mlflow: MlflowServer
) -> None:
    config = with_tracker(recorded, mlflow)
    live = config["applications"][0]["deployments"][0]["user_config"]
    live["evaluation"] = {"share": 1.0}
    recorded.deploy(config)
    time.sleep(2)
    _, trace_id, _ = ratings.ask("judged")
    until(
        lambda: set(ratings.on_trace(trace_id)) == {"groundedness", "relevance"},
        within_s=90,
        what="the answer is judged",
    )
    found = ratings.on_trace(trace_id)
    for name in ("groundedness", "relevance"):
        assert 0.0 < found[name].value <= 1.0
        assert found[name].source.source_type == "CODE"


def figures_of(mlflow: MlflowServer, release: str) -> dict[str, float]:
    """Returns the latest figures of a release's run."""
    client = open_client(mlflow.url)
    experiment = client.get_experiment_by_name("ragserve-releases")
    if experiment is None:
        return {}
    runs = client.search_runs([experiment.experiment_id], f"tags.`ragserve.release` = '{release}'")
    return dict(runs[0].data.metrics) if runs else {}
