"""Requests as the gate charges them, without anything that answers them."""

from dataclasses import dataclass, replace

from app.limits.limiter import Limiter
from app.request.notes import RequestNotes
from app.request.principal import Principal
from app.request.spending import ExpectedUse
from app.settings.live.prices import Prices, PriceTable
from deployments.access.records import Budgets, Limits
from deployments.contracts.errors import BudgetExceeded, LimitReached
from deployments.contracts.generation import Generation

MODEL = "bench"
PICOUSD_PER_TOKEN = 1_000_000
PRICES = PriceTable(
    version="bench",
    models={
        MODEL: Prices(prompt_usd_per_million_tokens=1.0, completion_usd_per_million_tokens=1.0)
    },
)
_WIDE = Limits(requests_per_min=10**8, tokens_per_min=10**8, concurrent_requests=10**6)


def caller(
    *, limits: Limits = _WIDE, budgets: Budgets | None = None, tenant_limits: Limits = _WIDE
) -> Principal:
    """Returns whoever asks: by default limits that nothing comes near, on key and tenant."""
    principal = Principal(
        tenant="bench", key_id="key_bench", limits=limits, tenant_limits=tenant_limits
    )
    return principal if budgets is None else replace(principal, budgets=budgets)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: whether it was admitted, and what it cost."""

    admitted: bool
    tokens: int = 0
    picousd: int = 0


async def ask(
    limiter: Limiter, principal: Principal, *, expected: int = 0, used: int = 0
) -> Outcome:
    """Charges a request that may use `expected` tokens, and uses `used` of them; without any it is
    counted alone."""
    charge = limiter.charge(principal)
    assert charge is not None
    try:
        await charge.begin()
        notes = RequestNotes(prices=PRICES)
        if expected:
            await charge.reserve(ExpectedUse(0, expected, models=(MODEL,)), notes)
            notes.written = written(used)
            await charge.tell_spent()
            return Outcome(True, used, used * PICOUSD_PER_TOKEN)
        return Outcome(True)
    except (LimitReached, BudgetExceeded):
        return Outcome(False)
    finally:
        charge.settle()


def written(tokens: int) -> Generation:
    """Returns an answer of so many tokens."""
    return Generation(
        text="",
        citations=(),
        grounded=True,
        finish_reason="stop",
        prompt_tokens=0,
        completion_tokens=tokens,
        model=MODEL,
    )
