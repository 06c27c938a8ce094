"""Rollouts for tests: traffic that is drawn, judged as the controller judges it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from deployments.canary.evidence import Evidence, merge
from deployments.canary.policy import Policy
from deployments.canary.recording import Outcomes, gather
from deployments.canary.rollout import Decision, State, counted_from_s, decide, shares, start
from deployments.rollouts import Rollout

BEGUN_S = 1_790_000_000.0
POLICY = Policy.model_validate(
    {
        "steps": [
            {"weight": 0.05, "goes_on": "unless_worse", "min_duration_s": 300},
            {"weight": 0.25, "min_duration_s": 300},
            {"weight": 0.5, "min_duration_s": 300},
        ],
        "guardrails": {"total_ms": {"margin": 0.1, "weight": 8}},
    }
)


def make_rollout(**values: Any) -> Rollout:
    """Returns a rollout of b over a, with other values where they are named."""
    rollout = Rollout(
        id="20260921-1a2b",
        stable="a",
        canary="b",
        policy=POLICY,
        state=start(BEGUN_S),
        created_s=BEGUN_S,
        created_by="zoë",
        vectors={
            "a": {"generator": ["llm-7b"], "retrieval": "minilm", "top_k": 20},
            "b": {"generator": ["llm-8b"], "retrieval": "minilm", "top_k": 20},
        },
        deployed={"a": 1.0},
    )
    return replace(rollout, **values)


def course(
    rollout: Rollout,
    *,
    slower: float = 1.0,
    errors: float = 0.004,
    requests_per_s: float = 20.0,
    every_s: float = 30.0,
    looks: int = 400,
    seed: int = 0,
) -> Iterator[tuple[Decision, State]]:
    """Yields what is decided about a rollout, look by look, until it ends.

    Args:
        rollout: The rollout, as it begins.
        slower: How many times as long as stable's the canary's answers take.
        errors: Share of the canary's requests that fail.
        requests_per_s: Of all releases.
        every_s: Time between two looks.
        looks: At most so many.
        seed: Of the traffic.
    """
    random, policy, state = np.random.default_rng(seed), rollout.policy, rollout.state
    evidence = Evidence(state.stage, policy.block_s)
    for number in range(1, looks + 1):
        now_s = rollout.created_s + number * every_s
        if now_s > counted_from_s(policy, state) + every_s:
            share = shares(policy, state)
            drawn = {
                "canary": (share.canary, slower, errors),
                "baseline": (share.baseline, 1.0, 0.004),
            }
            counts = {arm: int(one[0] * requests_per_s * every_s) for arm, one in drawn.items()}
            seen = gather(
                {
                    "canary": _drawn(random, counts["canary"], now_s, every_s, drawn["canary"][1:]),
                    "baseline": _drawn(
                        random, counts["baseline"], now_s, every_s, drawn["baseline"][1:]
                    ),
                },
                stage=state.stage,
                block_s=policy.block_s,
            )
            evidence = merge(evidence, seen)
        decision, after = decide(policy, evidence, state, now_s)
        yield decision, after
        if after.ended:
            return
        if after.stage != state.stage:
            evidence = Evidence(after.stage, policy.block_s)
        state = after


def _drawn(
    random: np.random.Generator, count: int, now_s: float, every_s: float, how: tuple[float, float]
) -> Outcomes:
    slower, errors = how
    total_ms = random.lognormal(7.0, 0.6, count) * slower
    tokens = random.poisson(120, count).astype(float)
    values: Mapping[str, Any] = {
        "total_ms": total_ms,
        "ttft_ms": total_ms * random.uniform(0.15, 0.25, count),
        "tpot_ms": total_ms / tokens,
        "queue_ms": random.lognormal(2.0, 0.8, count),
        "error": random.random(count) < errors,
        "truncated": random.random(count) < 0.02,
        "refused": random.random(count) < 0.06,
        "degraded": random.random(count) < 0.01,
        "aborted": random.random(count) < 0.02,
        "prompt_tokens": random.poisson(900, count),
        "completion_tokens": tokens,
        "citations": random.poisson(3, count),
    }
    at_s = random.uniform(now_s - every_s, now_s, count)
    return Outcomes(at_s, random.integers(0, 128, count), values)
