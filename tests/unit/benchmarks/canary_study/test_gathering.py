"""Evidence that is gathered for all looks at once is the service's own."""

import numpy as np
import pytest

from benchmarks.canary_study.gathering import evidence_by_look
from benchmarks.canary_study.rules import ends_of_looks
from benchmarks.canary_study.traffic import Dependence, Scenario, Traffic, simulate
from deployments.canary.evidence import ARMS, BUCKETS, Arm, Evidence, merge
from deployments.canary.recording import Outcomes, gather


def of_the_service(traffic: Traffic, part: slice) -> Evidence:
    canary = traffic.canary[part]
    masks: dict[Arm, np.ndarray] = {"canary": canary, "baseline": ~canary}
    arms = {
        arm: Outcomes(
            traffic.at_s[part][mine],
            traffic.callers[part][mine] % BUCKETS,
            {name: values[part][mine] for name, values in traffic.values.items()},
        )
        for arm, mine in masks.items()
    }
    return gather(arms, stage=0, block_s=10.0)


@pytest.mark.parametrize("dependence", ["none", "users"])
def test_every_look_has_what_the_service_would_have_merged(dependence: Dependence) -> None:
    """Over enough looks for blocks to double twice."""
    scenario = Scenario("failing", shares={"error": 0.05}, dependence=dependence, blind="refused")
    for traffic in simulate(scenario, runs=2, looks=30, baseline_ratio=4.0, seed=4):
        ends = ends_of_looks(traffic, 30)
        expected, seen = Evidence(0, 10.0), 0
        evidence = evidence_by_look(traffic, ends, block_s=10.0)
        for end, found in zip(ends.tolist(), evidence, strict=True):
            expected = merge(expected, of_the_service(traffic, slice(seen, end)))
            seen = end
            assert (found.stage, found.frame) == (expected.stage, expected.frame)
            assert found.requests == expected.requests
            for arm in ARMS:
                assert found.tallies[arm].keys() == expected.tallies[arm].keys()
                for name, one in found.tallies[arm].items():
                    other = expected.tallies[arm][name]
                    assert (one.count, one.missing) == (other.count, other.missing)
                    assert one.total == pytest.approx(other.total)
                    assert one.squares == pytest.approx(other.squares)
                    np.testing.assert_allclose(one.buckets, other.buckets, atol=1e-8)
                    np.testing.assert_allclose(one.blocks, other.blocks, atol=1e-8)
        assert expected.frame is not None
        assert expected.frame.level == 2


def test_a_block_of_two_looks_is_refused() -> None:
    traffic = next(simulate(Scenario("equal"), runs=1, looks=2, baseline_ratio=4.0, seed=4))
    with pytest.raises(ValueError, match="no multiple of 30"):
        next(evidence_by_look(traffic, ends_of_looks(traffic, 2), block_s=30.0))
