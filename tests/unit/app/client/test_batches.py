"""How long a client waits for a batch of a service that is away."""

from typing import Any

import pytest

from app.client.api_errors import ApiConnectionError, ApiStatusError, NotFoundError, Refusal
from app.client.batches import Batches
from app.client.calls import Call
from app.schemas.batches import BatchObject

RUNNING = BatchObject.model_validate(
    {
        **dict.fromkeys(BatchObject.model_fields),
        "id": "batch_1",
        "object": "batch",
        "endpoint": "/v1/query",
        "input_file_id": "file-batch-1",
        "completion_window": "24h",
        "status": "in_progress",
        "created_at": 1,
        "request_counts": {"total": 1, "completed": 0, "failed": 0},
    }
)
DONE = RUNNING.model_copy(update={"status": "completed"})
AWAY = ApiConnectionError("No service answers.", False)
FULL = ApiStatusError(Refusal(503, "Not now."))


def batches(*answers: BatchObject | Exception) -> Batches:
    waiting = list(answers)

    def send(_: Call[Any]) -> BatchObject:
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Batches(send, lambda _: iter(()))


def test_a_service_that_was_there_may_be_away() -> None:
    assert batches(RUNNING, AWAY, FULL, AWAY, DONE).wait("batch_1", poll_s=0) == DONE


@pytest.mark.parametrize(
    "answers",
    [[AWAY], [RUNNING, NotFoundError(Refusal(404, "There is no such batch."))]],
    ids=["never there", "no such batch"],
)
def test_what_no_waiting_mends_is_raised(answers: list[Any]) -> None:
    with pytest.raises((ApiConnectionError, NotFoundError)):
        batches(*answers).wait("batch_1", poll_s=0)


def test_it_may_not_be_away_for_ever() -> None:
    with pytest.raises(ApiConnectionError):
        batches(RUNNING, *[AWAY] * 1000).wait("batch_1", poll_s=0, patience_s=0.0)
