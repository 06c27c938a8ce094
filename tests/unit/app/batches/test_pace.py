"""When a line may begin."""

import pytest

from app.batches.pace import may_begin
from app.settings.cold.batches import BatchWorkArgs

ARGS = BatchWorkArgs(max_lines=4, busy_share=0.25, quiet_s=30, trickle_s=1)


@pytest.mark.parametrize(
    ("running", "open_requests", "quiet_s", "waited_s", "may"),
    [
        pytest.param(0, 1, 0.0, 0.9, False, id="beside a request"),
        pytest.param(0, 3, 0.0, 1.1, True, id="beside requests without an end"),
        pytest.param(1, 1, 0.0, 5.0, False, id="never two of those"),
        pytest.param(0, 0, 0.1, 0.3, False, id="it rests after a line"),
        pytest.param(0, 0, 0.1, 0.5, True, id="between two requests"),
        pytest.param(1, 0, 0.1, 5.0, False, id="one at a time while requests come"),
        pytest.param(3, 0, 30.0, 0.0, True, id="many while nobody asks"),
        pytest.param(4, 0, 30.0, 9.0, False, id="as many as there may be"),
    ],
)
def test_lines_stand_back(
    running: int, open_requests: int, quiet_s: float, waited_s: float, may: bool
) -> None:
    found = may_begin(
        ARGS,
        running=running,
        open_requests=open_requests,
        quiet_s=quiet_s,
        waited_s=waited_s,
        took_s=0.1,
    )
    assert found is may


def test_slow_lines_rest_no_longer_than_they_would_trickle() -> None:
    state = {"running": 0, "open_requests": 0, "quiet_s": 1.0, "took_s": 60.0}
    assert may_begin(ARGS, waited_s=60.0, **state)  # type: ignore[arg-type]


def test_a_gateway_may_work_on_none() -> None:
    args = BatchWorkArgs(max_lines=0)
    state = {"running": 0, "open_requests": 0, "quiet_s": 99.0, "waited_s": 99.0, "took_s": 0.0}
    assert not may_begin(args, **state)  # type: ignore[arg-type]
