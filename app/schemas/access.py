"""Wire forms of tenants, keys and the audit log."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from app.schemas.wire import RequestModel, ResponseModel
from deployments.access.records import TENANT_PATTERN, BudgetMode, Scope
from deployments.contracts.inputs import Items

_MOST_NAMES = 100
_MOST = 10**15
TenantId = Annotated[
    str,
    Field(pattern=TENANT_PATTERN, examples=["acme"], description="Id of a tenant."),
]
_Name = Annotated[str, Field(min_length=1, max_length=256)]
_Names = Annotated[Items[_Name], Field(max_length=_MOST_NAMES)]
_Count = Annotated[int, Field(ge=1, le=_MOST)]
_Usd = Annotated[float, Field(ge=0, le=1_000_000)]


class LimitsForm(RequestModel):
    """How much may be asked; what is left out has no bound."""

    requests_per_min: _Count | None = Field(default=None, examples=[600])
    tokens_per_min: _Count | None = Field(default=None, examples=[60_000])
    concurrent_requests: _Count | None = Field(default=None, examples=[8])


class BudgetsForm(RequestModel):
    """What may be spent in a day and in a calendar month, in UTC; what is left out has no bound."""

    day_usd: _Usd | None = Field(default=None, examples=[5.0])
    month_usd: _Usd | None = Field(default=None, examples=[100.0])
    day_tokens: _Count | None = None
    month_tokens: _Count | None = None
    mode: BudgetMode = Field(
        default="enforce", description="Whether requests over it are refused, or only told of."
    )


class RetentionForm(RequestModel):
    """How long texts of a tenant are kept; what is left out is as long as for all."""

    conversation_days: float | None = Field(
        default=None,
        gt=0,
        le=3650,
        description="A conversation goes after so many days without a turn; where it is more than "
        "`conversations.ttl_days` of the service, that holds.",
        examples=[7],
    )


class TenantCreate(RequestModel):
    """A new tenant."""

    id: TenantId
    name: str = Field(default="", max_length=256, examples=["Acme Inc."])
    limits: LimitsForm = LimitsForm()
    budgets: BudgetsForm = BudgetsForm()
    retention: RetentionForm = RetentionForm()


class TenantChange(RequestModel):
    """What a tenant is to be from now on; what is left out stays."""

    name: str | None = Field(default=None, max_length=256)
    limits: LimitsForm | None = None
    budgets: BudgetsForm | None = None
    retention: RetentionForm | None = None


class KeyCreate(RequestModel):
    """A new key."""

    name: str = Field(default="", max_length=256, examples=["search page"])
    tenant: TenantId | None = Field(
        default=None, description="Whose it is; by default that of the key that makes it."
    )
    scopes: Items[Scope] = Field(
        default=["query"], min_length=1, max_length=5, description="What it opens."
    )
    groups: _Names | None = Field(
        default=None,
        description="Groups whose documents it reads; left out, all documents of the tenant.",
    )
    releases: _Names | None = Field(
        default=None, description="Releases and models that it may ask; left out, all of them."
    )
    limits: LimitsForm = LimitsForm()
    budgets: BudgetsForm = BudgetsForm()
    expires_at: datetime | None = Field(
        default=None, description="When it ceases to be valid; left out, never."
    )


class KeyChange(RequestModel):
    """What a key is to be from now on; what is left out stays."""

    name: str | None = Field(default=None, max_length=256)
    scopes: Items[Scope] | None = Field(default=None, min_length=1, max_length=5)
    groups: _Names | None = None
    releases: _Names | None = None
    limits: LimitsForm | None = None
    budgets: BudgetsForm | None = None
    expires_at: datetime | None = None
    unset: Items[Literal["groups", "releases", "expires_at"]] = Field(
        default=[],
        max_length=3,
        description="Bounds that it is to have no longer.",
        examples=[["expires_at"]],
    )


class KeyRotate(RequestModel):
    """How a key gets a further secret."""

    keeps_s: float = Field(
        default=86_400.0,
        ge=0,
        le=30 * 86_400,
        description="Seconds for which the secret before it still holds.",
    )


class LimitsInfo(ResponseModel):
    """How much may be asked; None has no bound."""

    requests_per_min: int | None = None
    tokens_per_min: int | None = None
    concurrent_requests: int | None = None


class BudgetsInfo(ResponseModel):
    """What may be spent; None has no bound."""

    day_usd: float | None = None
    month_usd: float | None = None
    day_tokens: int | None = None
    month_tokens: int | None = None
    mode: BudgetMode = "enforce"


class RetentionInfo(ResponseModel):
    """How long texts are kept; None is as long as for all."""

    conversation_days: float | None = None


class TenantInfo(ResponseModel):
    """A tenant."""

    id: str = Field(examples=["acme"])
    name: str
    limits: LimitsInfo
    budgets: BudgetsInfo
    retention: RetentionInfo
    created_at: datetime
    deleted_at: datetime | None = None


class TenantList(ResponseModel):
    """Tenants by id."""

    tenants: list[TenantInfo]
    next: str | None = Field(
        default=None, description="`after` of the next page; null on the last."
    )


class ErasedInfo(ResponseModel):
    """What became of a tenant in one place."""

    place: str = Field(examples=["retrieval-minilm"])
    counts: dict[str, int] = Field(description="What was removed this time, by what it was.")
    is_done: bool = Field(description="Whether nothing is left there.")
    reason: str = Field(default="", description="Why something is; the code of an error.")


class Erasure(ResponseModel):
    """A receipt for the erasure of a tenant."""

    tenant: str
    is_done: bool = Field(description="Whether nothing is left anywhere.")
    places: list[ErasedInfo]


class ForgottenAnswers(ResponseModel):
    """What went of the response cache."""

    tenant: str = Field(examples=["acme"])
    answers: int = Field(description="Answers that were deleted.", examples=[3])


class KeyInfo(ResponseModel):
    """A key, without its secret."""

    id: str = Field(examples=["key_3fJk2LmNp0Qr"])
    tenant: str = Field(examples=["acme"])
    name: str
    scopes: list[Scope]
    groups: list[str] | None = None
    releases: list[str] | None = None
    limits: LimitsInfo
    budgets: BudgetsInfo
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_on: str = Field(
        default="", description="The last day on which it was used, in UTC; empty for never."
    )


class NewKey(KeyInfo):
    """A key with a new secret, which is told this once."""

    secret: str = Field(
        description="What clients send. Keep it: it is not kept here, and cannot be told again.",
        examples=["rs_live_" + 43 * "x" + 6 * "0"],
    )


class KeyList(ResponseModel):
    """Keys by id."""

    keys: list[KeyInfo]
    next: str | None = Field(
        default=None, description="`after` of the next page; null on the last."
    )


class AuditInfo(ResponseModel):
    """Something that was changed."""

    number: int = Field(description="Its place in the chain.")
    at: datetime
    actor: str = Field(examples=["operator"])
    tenant: str
    action: str = Field(examples=["key.create"])
    object: str = Field(examples=["key_3fJk2LmNp0Qr"])
    outcome: Literal["done", "asked"] = Field(
        description="Done, or asked of another part of the service that keeps its own record."
    )
    request_id: str
    changes: dict[str, Any]


class AuditPage(ResponseModel):
    """What was changed, in the order that was asked for."""

    entries: list[AuditInfo]
    next: int | None = Field(
        default=None,
        description="`after` of the next page, or `before` where the newest come first; null on "
        "the last.",
    )


class AuditVerification(ResponseModel):
    """Whether the audit log is as it was written."""

    intact: bool
    entries: int = Field(description="How many were read.")
    broken_at: int | None = Field(default=None, description="The first one that does not fit.")
    reason: str = ""
