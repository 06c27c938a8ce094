"""Tokens of an identity provider: which are taken, and as whom."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm

from app.access.oidc import OidcTokens
from app.settings.cold.access import OidcIssuer
from deployments.contracts.errors import Unauthorized, Unavailable

ISSUER = "https://login.example.org"
AUDIENCE = "ragserve"


@pytest.fixture(scope="module")
def private_key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """Shows public keys, and counts who looked."""

    def __init__(self, keys: list[dict[str, Any]]) -> None:
        self.asked = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                body = json.dumps({"keys": keys}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/keys"


@pytest.fixture
def provider(private_key: RSAPrivateKey) -> Iterator[Provider]:
    public = json.loads(RSAAlgorithm.to_jwk(private_key.public_key()))
    made = Provider([{**public, "kid": "one", "use": "sig", "alg": "RS256"}])
    yield made
    made.server.shutdown()
    made.server.server_close()


def issuer(url: str) -> OidcIssuer:
    return OidcIssuer.model_validate(
        {
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "jwks_url": url,
            "groups_claim": "groups",
            "rules": [
                {"claim": "org", "value": "acme", "tenant": "acme", "scopes": ["query", "ingest"]},
                {"claim": "realm.roles", "value": "reader", "tenant": "shared"},
            ],
        }
    )


def token(key: Any, *, kid: str = "one", algorithm: str = "RS256", **claims: Any) -> str:
    now = int(time.time())
    content = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "iat": now,
        "exp": now + 60,
        "org": "acme",
        **claims,
    }
    content = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(content, key, algorithm=algorithm, headers={"kid": kid})


async def test_a_token_is_whoever_the_rules_say(
    provider: Provider, private_key: RSAPrivateKey
) -> None:
    tokens = OidcTokens([issuer(provider.url)])
    alice = await tokens.read(token(private_key, groups=["legal"]))
    assert (alice.tenant, alice.scopes) == ("acme", {"query", "ingest"})
    assert alice.groups == {"legal"}
    assert alice.key_id.startswith("oidc_")
    again = await tokens.read(token(private_key))
    assert again.key_id == alice.key_id
    assert again.groups == frozenset()
    reader = await tokens.read(
        token(private_key, org=["other"], realm={"roles": ["x", "reader"]}, sub="bob")
    )
    assert (reader.tenant, reader.scopes) == ("shared", {"query"})
    assert reader.key_id != alice.key_id
    assert provider.asked == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"iat": None},
        {"aud": None},
        {"sub": None},
        {"org": "nobody"},
    ],
    ids=[
        *("for another service", "of another provider", "expired", "without an end"),
        *("without a beginning", "for nobody", "of nobody", "that no rule fits"),
    ],
)
async def test_other_tokens_open_nothing(
    provider: Provider, private_key: RSAPrivateKey, claims: dict[str, Any]
) -> None:
    with pytest.raises(Unauthorized):
        await OidcTokens([issuer(provider.url)]).read(token(private_key, **claims))


async def test_a_token_that_somebody_else_signed_opens_nothing(provider: Provider) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    tokens = OidcTokens([issuer(provider.url)])
    with pytest.raises(Unauthorized):
        await tokens.read(token(stranger))


async def test_signatures_with_a_shared_secret_or_none_open_nothing(
    provider: Provider, private_key: RSAPrivateKey
) -> None:
    tokens = OidcTokens([issuer(provider.url)])
    for key, algorithm in (("s" * 40, "HS256"), (None, "none")):
        with pytest.raises(Unauthorized):
            await tokens.read(token(key, algorithm=algorithm))


async def test_an_unknown_key_is_looked_for_once_in_a_while(
    provider: Provider, private_key: RSAPrivateKey
) -> None:
    tokens = OidcTokens([issuer(provider.url)])
    await tokens.read(token(private_key))
    for _ in range(5):
        with pytest.raises(Unauthorized):
            await tokens.read(token(private_key, kid="two"))
    assert provider.asked == 1


async def test_a_provider_that_does_not_answer_is_no_fault_of_the_caller(
    private_key: RSAPrivateKey,
) -> None:
    with pytest.raises(Unavailable):
        await OidcTokens([issuer("http://127.0.0.1:9/keys")]).read(token(private_key))


async def test_what_is_no_token_opens_nothing(provider: Provider) -> None:
    for text in ("a.b.c", "..", "eyJhbGciOiJub25lIn0.e30."):
        with pytest.raises(Unauthorized):
            await OidcTokens([issuer(provider.url)]).read(text)
