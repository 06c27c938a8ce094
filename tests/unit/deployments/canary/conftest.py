"""Evidence for tests: requests of both arms with values that are given or drawn."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from deployments.canary.evidence import Evidence
from deployments.canary.recording import Outcomes, gather

MakeEvidence = Callable[..., Evidence]


@pytest.fixture(scope="session")
def evidence_of() -> MakeEvidence:
    """Returns a maker: values per metric for the canary and for the baseline, spread evenly
    over 1,500 seconds, each of a caller of its own."""

    def make(
        canary: Mapping[str, object],
        baseline: Mapping[str, object],
        *,
        pairs: Mapping[str, object] | None = None,
        stage: int = 0,
        block_s: float = 10.0,
    ) -> Evidence:
        def outcomes(values: Mapping[str, object]) -> Outcomes:
            columns = {name: np.asarray(each, dtype=float) for name, each in values.items()}
            count = max((column.size for column in columns.values()), default=0)
            return Outcomes(np.linspace(0, 1500, count), np.arange(count) % 128, columns)

        return gather(
            {"canary": outcomes(canary), "baseline": outcomes(baseline)},
            stage=stage,
            block_s=block_s,
            pairs=None if pairs is None else outcomes(pairs),
        )

    return make
