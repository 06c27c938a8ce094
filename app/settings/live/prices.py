"""What tokens cost, by model: a table that has a version, because prices change."""

from collections.abc import Sequence
from functools import lru_cache

from pydantic import Field

from app.settings.live.list_prices import LIST_PRICES, LIST_PRICES_VERSION
from deployments.contracts.generation import Generation
from deployments.settings import Settings

PICOUSD_PER_USD = 10**12
_PICOUSD_PER_MICROUSD = 10**6


class Prices(Settings):
    """What the tokens of one model cost, in US dollars for a million of them, which is the same as
    millionths of a dollar for one."""

    prompt_usd_per_million_tokens: float = Field(default=0.0, ge=0)
    """Of those that the generator reads."""

    cached_usd_per_million_tokens: float | None = Field(default=None, ge=0)
    """Of those of a prompt that were not computed again; None: as the others of the prompt."""

    completion_usd_per_million_tokens: float = Field(default=0.0, ge=0)
    """Of those that it writes."""

    def costs_picousd(self, written: Generation) -> tuple[int, int]:
        """Returns what prompt and completion of an answer cost, in millionths of a millionth of a
        dollar: whole numbers, of which a million sums leave no rounding behind."""
        cached = self.cached_usd_per_million_tokens
        prompt = _picousd(self.prompt_usd_per_million_tokens)
        kept = prompt if cached is None else _picousd(cached)
        fresh_tokens = written.prompt_tokens - written.cached_tokens
        return (
            fresh_tokens * prompt + written.cached_tokens * kept,
            written.completion_tokens * _picousd(self.completion_usd_per_million_tokens),
        )

    def most_picousd(self, prompt_tokens: int, completion_tokens: int) -> int:
        """Returns what tokens cost at most, in millionths of a millionth of a dollar: nothing of
        the prompt counts as kept from before."""
        prompt = _picousd(self.prompt_usd_per_million_tokens)
        completion = _picousd(self.completion_usd_per_million_tokens)
        return prompt_tokens * prompt + completion_tokens * completion


class PriceTable(Settings):
    """Prices by model. What was used keeps the price that it had then."""

    version: str = Field(default="", max_length=64)
    """Said beside every cost. Change it with every price."""

    models: dict[str, Prices] = {}
    """By the model's name as answers say it."""

    use_list_prices: bool = True
    """Whether models that are not here cost what their makers' public price lists say, as far as
    ragserve knows them. A model without any price costs nothing."""

    def of(self, model: str) -> Prices | None:
        """Returns the prices of a model; None where nobody has said any."""
        return self.models.get(model) or (_list_prices(model) if self.use_list_prices else None)

    def version_of(self, model: str) -> str:
        """Returns the version of the table that a model's prices are from."""
        is_listed = self.use_list_prices and model not in self.models and model in LIST_PRICES
        return LIST_PRICES_VERSION if is_listed else self.version

    def costs_picousd(self, written: Generation) -> tuple[int, int] | None:
        """Returns what prompt and completion of an answer cost, as `Prices.costs_picousd`; None
        where its model has no prices."""
        prices = self.of(written.model)
        return None if prices is None else prices.costs_picousd(written)

    def cost_usd(self, written: Sequence[Generation]) -> float | None:
        """Returns what answers cost together; None where one of them has no prices."""
        costs = [self.costs_picousd(one) for one in written]
        if not costs or None in costs:
            return None
        return sum(sum(cost) for cost in costs if cost is not None) / PICOUSD_PER_USD

    def cost_of_prompt_usd(self, model: str, tokens: int) -> float | None:
        """Returns what tokens cost that a model only reads; None where it has no prices."""
        prices = self.of(model)
        return None if prices is None else prices.most_picousd(tokens, 0) / PICOUSD_PER_USD


@lru_cache(maxsize=256)  # names come from engines: few
def _list_prices(model: str) -> Prices | None:
    found = LIST_PRICES.get(model)
    if found is None:
        return None
    prompt, cached, completion = found
    return Prices(
        prompt_usd_per_million_tokens=prompt,
        cached_usd_per_million_tokens=cached,
        completion_usd_per_million_tokens=completion,
    )


def _picousd(micro_usd: float) -> int:
    return round(micro_usd * _PICOUSD_PER_MICROUSD)
