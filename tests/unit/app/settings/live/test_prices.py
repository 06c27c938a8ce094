"""What tokens cost."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from app.settings.live.prices import PICOUSD_PER_USD, Prices, PriceTable
from tests.unit.app.telemetry.requests import written

PRICES = Prices(
    prompt_usd_per_million_tokens=0.15,
    cached_usd_per_million_tokens=0.075,
    completion_usd_per_million_tokens=0.6,
)


def test_a_million_tokens_cost_what_the_table_says() -> None:
    million = written(prompt_tokens=10**6, cached_tokens=0, completion_tokens=10**6)
    prompt, completion = PRICES.costs_picousd(million)
    assert prompt / PICOUSD_PER_USD == pytest.approx(0.15)
    assert completion / PICOUSD_PER_USD == pytest.approx(0.6)
    cached, _ = PRICES.costs_picousd(replace(million, cached_tokens=10**6))
    assert cached / PICOUSD_PER_USD == pytest.approx(0.075)


def test_cached_tokens_cost_as_others_where_nothing_is_said() -> None:
    prices = Prices(prompt_usd_per_million_tokens=0.15)
    some_cached = written(prompt_tokens=100, cached_tokens=40)
    assert prices.costs_picousd(some_cached) == prices.costs_picousd(written(prompt_tokens=100))


@given(some.lists(some.integers(0, 10**6), min_size=1, max_size=50))
def test_costs_add_up_without_rounding(tokens: list[int]) -> None:
    costs = [
        PRICES.costs_picousd(written(prompt_tokens=0, cached_tokens=0, completion_tokens=one))[1]
        for one in tokens
    ]
    together = written(prompt_tokens=0, cached_tokens=0, completion_tokens=sum(tokens))
    assert sum(costs) == PRICES.costs_picousd(together)[1]


@pytest.mark.parametrize("bad", [{"prompt_usd_per_million_tokens": -1.0}, {"price": 1.0}])
def test_prices_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        PriceTable.model_validate({"version": "1", "models": {"m": bad}})
