"""From headers to who asks: with and without keys, in an open service and in a closed one."""

from dataclasses import replace

import pytest
from starlette.datastructures import Headers

from app.access.keyring import Keyring
from app.access.principals import OPERATOR, Authenticator
from app.request.principal import ANONYMOUS, Principal
from app.settings.cold.access import AuthMode
from deployments.access.records import Key, Limits, Tenant
from deployments.access.secrets import new_key
from deployments.access.store import Changes, KnownKey
from deployments.contracts.errors import Unauthorized

ADMIN = "open-sesame"
SECRET = new_key()
NOW_S = 1000.0
KEY = Key(
    "key_1",
    "acme",
    "page",
    frozenset({"query"}),
    groups=frozenset({"legal"}),
    limits=Limits(requests_per_min=5),
    expires_s=NOW_S + 10,
)
KNOWN = KnownKey(KEY, Tenant("acme", limits=Limits(tokens_per_min=7)))


class Source:
    def __init__(self, known: KnownKey) -> None:
        self.known_key = known

    def upgrade(self) -> None: ...

    def find(self, secret: str) -> KnownKey | None:
        return self.known_key if secret == SECRET else None

    def known(self, key_id: str) -> KnownKey | None:
        return self.known_key if key_id == self.known_key.key.id else None

    def changes(self, since: int) -> Changes:
        return Changes(1)


def authenticator(mode: AuthMode, known: KnownKey = KNOWN) -> Authenticator:
    keyring = Keyring(Source(known), lambda secret: secret, max_known=9, stale_s=9)
    return Authenticator(mode, ADMIN, keyring, now=lambda: NOW_S)


def bearer(key: str) -> Headers:
    return Headers({"authorization": f"Bearer {key}"})


@pytest.mark.parametrize("mode", ["open", "required"])
@pytest.mark.parametrize(
    "headers",
    [
        bearer(SECRET),
        Headers({"x-api-key": SECRET}),
        Headers({"authorization": f"bearer  {SECRET} "}),
    ],
)
async def test_a_key_is_who_it_was_made_for(mode: AuthMode, headers: Headers) -> None:
    assert await authenticator(mode).identify(headers) == Principal(
        tenant="acme",
        key_id="key_1",
        scopes=frozenset({"query"}),
        groups=frozenset({"legal"}),
        limits=Limits(requests_per_min=5),
        tenant_limits=Limits(tokens_per_min=7),
        expires_s=NOW_S + 10,
    )


@pytest.mark.parametrize("mode", ["open", "required"])
async def test_the_operators_key_is_the_last_resort(mode: AuthMode) -> None:
    assert await authenticator(mode).identify(bearer(ADMIN)) == OPERATOR
    assert await Authenticator(mode, ADMIN).identify(bearer(ADMIN)) == OPERATOR


async def test_without_a_key_an_open_service_answers_everybody() -> None:
    assert await authenticator("open").identify(Headers()) == ANONYMOUS
    assert (
        await authenticator("open").identify(Headers({"authorization": "Basic abc"})) == ANONYMOUS
    )


async def test_any_string_tells_callers_of_an_open_service_apart() -> None:
    one, other = [await authenticator("open").identify(bearer(key)) for key in ("sk-a", "sk-b")]
    assert one.key_id != other.key_id
    assert (one.tenant, one.scopes) == (ANONYMOUS.tenant, ANONYMOUS.scopes)
    assert "sk-a" not in repr(one)


@pytest.mark.parametrize(
    "headers", [Headers(), bearer("sk-a"), bearer(""), bearer(new_key()), bearer("a.b.c")]
)
async def test_a_closed_service_answers_nobody_else(headers: Headers) -> None:
    with pytest.raises(Unauthorized) as refused:
        await authenticator("required").identify(headers)
    given = headers.get("authorization", "").removeprefix("Bearer ")
    assert not given or given not in str(refused.value)


@pytest.mark.parametrize("mode", ["open", "required"])
@pytest.mark.parametrize(
    "known",
    [
        replace(KNOWN, key=replace(KEY, revoked_s=1.0)),
        replace(KNOWN, key=replace(KEY, expires_s=NOW_S)),
        replace(KNOWN, secret_ends_s=NOW_S),
        replace(KNOWN, tenant=replace(KNOWN.tenant, deleted_s=1.0)),
    ],
    ids=["revoked", "expired", "rotated", "without its tenant"],
)
async def test_a_key_that_ended_opens_nothing(mode: AuthMode, known: KnownKey) -> None:
    with pytest.raises(Unauthorized) as refused:
        await authenticator(mode, known).identify(bearer(SECRET))
    assert SECRET not in str(refused.value)


async def test_work_that_was_asked_for_before_is_for_the_key_as_it_is_now() -> None:
    known = authenticator("required")
    now = await known.of_key("key_1", "acme", None)
    assert now == await known.identify(bearer(SECRET))
    revoked = authenticator("required", replace(KNOWN, key=replace(KEY, revoked_s=1.0)))
    for key_id in ("key_1", "key_2"):
        with pytest.raises(Unauthorized):
            await revoked.of_key(key_id, "acme", None)
    label = await known.of_key("0123456789ab", "acme", frozenset({"legal"}))
    assert (label.tenant, label.groups, label.limits) == ("acme", {"legal"}, Limits())
