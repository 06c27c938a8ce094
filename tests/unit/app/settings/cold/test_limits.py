"""Settings of limits, and prices that come with the service."""

import pytest
from pydantic import ValidationError

from app.settings.cold.limits import LimitsArgs
from app.settings.live.list_prices import LIST_PRICES_VERSION
from app.settings.live.prices import Prices, PriceTable
from deployments.contracts.generation import Generation


def _written(model: str) -> Generation:
    return Generation("", (), True, "stop", 1000, 100, model, cached_tokens=400)


@pytest.mark.parametrize("zone", ["Nowhere/City", "", "/etc/passwd", "../x"])
def test_a_time_zone_must_exist(zone: str) -> None:
    with pytest.raises(ValidationError, match="time zone"):
        LimitsArgs(time_zone=zone)
    assert LimitsArgs(time_zone="Europe/Berlin").time_zone == "Europe/Berlin"


def test_a_model_that_nobody_priced_has_its_list_price() -> None:
    table = PriceTable(version="mine")
    assert table.cost_usd([_written("gpt-4o-mini")]) == pytest.approx(
        (600 * 0.15 + 400 * 0.075 + 100 * 0.6) / 1e6
    )
    assert table.version_of("gpt-4o-mini") == LIST_PRICES_VERSION
    assert table.cost_usd([_written("extractive")]) == 0.0


def test_a_price_of_ones_own_comes_first() -> None:
    table = PriceTable(version="mine", models={"gpt-4o": Prices(prompt_usd_per_million_tokens=1.0)})
    assert table.cost_usd([_written("gpt-4o")]) == pytest.approx(1e-3)
    assert table.version_of("gpt-4o") == "mine"


def test_list_prices_can_be_turned_off() -> None:
    table = PriceTable(use_list_prices=False)
    assert table.of("gpt-4o") is None
    assert table.cost_usd([_written("gpt-4o")]) is None


def test_what_a_request_costs_is_unknown_where_a_part_of_it_is() -> None:
    assert PriceTable().cost_usd([_written("gpt-4o"), _written("unheard-of")]) is None
    assert PriceTable().cost_usd([]) is None
