"""Keys as texts: their form, their checksum, their digest."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.access.secrets import Peppers, is_well_formed, new_key
from deployments.contracts.errors import ConfigError


def test_a_key_has_the_form_that_scanners_look_for() -> None:
    keys = {new_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(re.fullmatch(r"rs_live_[0-9A-Za-z]{49}", key) for key in keys)
    assert all(map(is_well_formed, keys))


@given(place=st.integers(8, 56), letter=st.sampled_from("0Aa9zZ"))
def test_one_other_letter_is_another_text(place: int, letter: str) -> None:
    key = new_key()
    changed = key[:place] + letter + key[place + 1 :]
    assert is_well_formed(changed) == (changed == key)


@pytest.mark.parametrize(
    "text",
    ["", "rs_live_", "sk-proj-123", new_key() + " ", new_key()[:-1]],
    ids=["nothing", "a prefix", "another service's", "with a blank", "cut off"],
)
def test_other_texts_are_no_keys(text: str) -> None:
    assert not is_well_formed(text)


def test_a_digest_is_of_the_key_and_the_pepper() -> None:
    key = new_key()
    one, other = Peppers(["a" * 32]), Peppers(["b" * 32])
    assert one.digest(key) == one.digest(key)
    assert one.digest(key).value != other.digest(key).value
    assert one.digest(key).value != one.digest(new_key()).value
    assert key not in repr(one.digest(key))


def test_after_a_rotation_the_old_pepper_is_still_known() -> None:
    key = new_key()
    before = Peppers.parse("a" * 32)
    after = Peppers.parse("b" * 32 + " , " + "a" * 32)
    assert after.newest != before.newest
    assert before.digest(key) in after.digests(key)
    assert after.digest(key) not in before.digests(key)


def test_a_short_pepper_is_refused() -> None:
    with pytest.raises(ConfigError, match="32"):
        Peppers.parse("short")


def test_without_a_pepper_there_are_no_keys() -> None:
    with pytest.raises(ConfigError, match="RAGSERVE_KEY_PEPPER"):
        Peppers.parse("").digest(new_key())
