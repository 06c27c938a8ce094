"""What tokens cost, by model: a table that has a version, because prices change."""

from pydantic import Field

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


class PriceTable(Settings):
    """Prices by model. What was used keeps the price that it had then."""

    version: str = Field(default="", max_length=64)
    """Said beside every cost. Change it with every price."""

    models: dict[str, Prices] = {}
    """By the model's name as answers say it. A model that is not here costs nothing."""

    def costs_picousd(self, written: Generation) -> tuple[int, int] | None:
        """Returns what prompt and completion of an answer cost, as `Prices.costs_picousd`; None
        where its model has no prices."""
        prices = self.models.get(written.model)
        return None if prices is None else prices.costs_picousd(written)


def _picousd(micro_usd: float) -> int:
    return round(micro_usd * _PICOUSD_PER_MICROUSD)
