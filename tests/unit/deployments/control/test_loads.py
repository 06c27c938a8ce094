"""What a replica said last is known as long as it goes on saying something."""

from deployments.control.loads import Loads
from deployments.service_state import GatewayLoad


def test_a_replica_that_is_gone_is_forgotten() -> None:
    loads = Loads()
    loads.note("b", GatewayLoad(1, 256), 10.0)
    loads.note("a", GatewayLoad(2, 256), 10.0)
    loads.note("a", GatewayLoad(3, 200), 14.0)
    assert list(loads.latest(14.5)) == ["a", "b"]
    assert loads.latest(17.0) == {"a": GatewayLoad(3, 200)}


def test_who_says_nothing_of_its_load_is_not_listed() -> None:
    loads = Loads()
    loads.note("old", None, 1.0)
    assert loads.latest(1.0) == {}
