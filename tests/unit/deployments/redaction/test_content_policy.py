"""What each policy keeps of a text."""

import re
from typing import get_args

import pytest

from deployments.contracts.errors import ConfigError
from deployments.redaction.content_policy import ContentFilter, ContentPolicy
from deployments.redaction.redactor import Redactor

SALT = b"one deployment's own"
TEXT = "Ask ann@example.org at 140.252.141.168"


def test_full_keeps_everything() -> None:
    assert ContentFilter("full").keep(TEXT) == TEXT


def test_redacted_keeps_all_but_the_values() -> None:
    assert ContentFilter("redacted").keep(TEXT) == "Ask <EMAIL_1> at <IP_1>"


def test_redacted_uses_the_given_redactor() -> None:
    kept = ContentFilter("redacted", redactor=Redactor(network_addresses=False)).keep(TEXT)
    assert kept == "Ask <EMAIL_1> at 140.252.141.168"


def test_hash_tells_equal_texts_and_their_length() -> None:
    content = ContentFilter("hash", salt=SALT)
    kept = content.keep(TEXT)
    assert re.fullmatch(rf"sha256:[0-9a-f]{{16}}:{len(TEXT)}", kept)
    assert content.keep(TEXT) == kept
    assert content.keep(TEXT + " ") != kept


def test_hash_of_another_deployment_is_another() -> None:
    other = ContentFilter("hash", salt=SALT[::-1])
    assert other.keep(TEXT) != ContentFilter("hash", salt=SALT).keep(TEXT)


@pytest.mark.parametrize("salt", [b"", b"short"])
def test_hash_needs_a_salt(salt: bytes) -> None:
    with pytest.raises(ConfigError, match="salt"):
        ContentFilter("hash", salt=salt)


def test_none_keeps_the_length_alone() -> None:
    assert ContentFilter("none").keep(TEXT) == f"length:{len(TEXT)}"


@pytest.mark.parametrize("policy", get_args(ContentPolicy))
@pytest.mark.parametrize("text", ["", "\ud800 half a pair", "\x00\x1b[0m", "\u0130" * 3])
def test_any_text_is_kept_somehow(policy: ContentPolicy, text: str) -> None:
    assert isinstance(ContentFilter(policy, salt=SALT).keep(text), str)
