"""What an API key looks like, and the digest by which it is known.

A key is 256 random bits: nobody guesses it, so that a fast digest is enough, and one with a key of
its own (the pepper, which is not in the database) makes a stolen table useless. Functions for
passwords would take a quarter of a second of every request.
"""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from deployments.contracts.errors import ConfigError

PREFIX = "rs_live_"
PEPPER_VARIABLE = "RAGSERVE_KEY_PEPPER"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARS = 43
"""256 bits in base 62."""
_CHECK_CHARS = 6
"""32 bits in base 62."""
_FORM = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{_RANDOM_CHARS}}})([0-9A-Za-z]{{{_CHECK_CHARS}}})")
_LEAST_PEPPER_CHARS = 32
_ID_CHARS = 8


def new_key() -> str:
    """Returns a new key: a prefix by which scanners find it, random characters, and a checksum that
    tells it from a string that looks like one.

    >>> is_well_formed(new_key())
    True
    """
    random = _base62(secrets.randbits(256), _RANDOM_CHARS)
    return PREFIX + random + _checksum(random)


def is_well_formed(text: str) -> bool:
    """Returns whether a text may be a key: of what may not nobody need ask a database.

    >>> is_well_formed("rs_live_" + 43 * "0" + "000000")
    False
    """
    found = _FORM.fullmatch(text)
    return found is not None and _checksum(found[1]) == found[2]


@dataclass(frozen=True, slots=True)
class Digest:
    """What is stored of a key.

    Attributes:
        pepper: Names the pepper, without telling it.
        value: HMAC-SHA256 of the key, 64 hexadecimal digits.
    """

    pepper: str
    value: str


class Peppers:
    """The keys of digests: the first one makes new ones, the others are still known.

    Args:
        values: Secrets of at least 32 characters.

    Raises:
        ConfigError: one is too short.
    """

    def __init__(self, values: Sequence[str]) -> None:
        if any(len(value) < _LEAST_PEPPER_CHARS for value in values):
            raise ConfigError(f"{PEPPER_VARIABLE} needs at least {_LEAST_PEPPER_CHARS} characters.")
        self._by_id = {
            hashlib.sha256(value.encode()).hexdigest()[:_ID_CHARS]: value.encode()
            for value in values
        }

    @classmethod
    def parse(cls, text: str) -> "Peppers":
        """Returns the peppers of a text that has them with commas between, newest first."""
        return cls([part.strip() for part in text.split(",") if part.strip()])

    def __bool__(self) -> bool:
        return bool(self._by_id)

    @property
    def newest(self) -> str:
        """Names the one that makes new digests; empty where there is none."""
        return next(iter(self._by_id), "")

    def digest(self, key: str) -> Digest:
        """Returns the digest of a key under the newest pepper.

        Raises:
            ConfigError: there is no pepper.
        """
        if not self._by_id:
            raise ConfigError(f"Keys need a secret of the service: set {PEPPER_VARIABLE}.")
        return self.digests(key)[0]

    def digests(self, key: str) -> list[Digest]:
        """Returns the digests that a key may be stored as."""
        message = key.encode("utf-8", "surrogatepass")
        return [
            Digest(name, hmac.new(pepper, message, hashlib.sha256).hexdigest())
            for name, pepper in self._by_id.items()
        ]

    def seal(self, name: str, message: bytes) -> str:
        """Returns a digest of a message under one pepper, which nobody can make without it; under
        none where it is not known."""
        return hmac.new(self._by_id.get(name, b""), message, hashlib.sha256).hexdigest()

    def knows(self, name: str) -> bool:
        """Returns whether a pepper is among them; the empty name stands for none."""
        return not name or name in self._by_id


def new_id(prefix: str) -> str:
    """Returns a random id such as `key_3fJk2LmNp0Qr`."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(12))


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECK_CHARS)


def _base62(number: int, width: int) -> str:
    digits = []
    while number:
        number, place = divmod(number, 62)
        digits.append(_ALPHABET[place])
    return "".join(reversed(digits)).rjust(width, _ALPHABET[0])
