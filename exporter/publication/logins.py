"""How many passwords a client may try: each one that is not known yet costs a good part of a second of bcrypt."""

import base64
import binascii
from collections import OrderedDict

import msgspec

BURST = 10
"""Passwords that an address may get wrong one right after the other, …"""
SECONDS_EACH = 3.0
"""… and the time after which it may try one more."""
_ADDRESSES = 1000
"""Addresses that are remembered; the one that was heard of longest ago is forgotten."""


class Credentials(msgspec.Struct, frozen=True):
    """What a client says it is."""

    user: str
    password: str


def credentials(authorization: str) -> Credentials | None:
    """What an `Authorization` header of the scheme Basic says (RFC 7617); None where it is none."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = decoded.partition(":")
    return Credentials(user, password) if scheme.lower() == "basic" and colon else None


class Attempts:
    """A bucket of attempts for each address, which refills with time. Moments are monotonic seconds."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str, now: float) -> bool:
        """Whether *address* may try a password now; if so it has one attempt less."""
        left = self._refilled(address, now)
        if left < 1:
            return False
        self._set(address, left - 1, now)
        return True

    def give_back(self, address: str, now: float) -> None:
        """The password was right: it costs nothing."""
        self._set(address, self._refilled(address, now) + 1, now)

    def _refilled(self, address: str, now: float) -> float:
        left, at = self._left.get(address, (float(BURST), now))
        return min(float(BURST), left + (now - at) / SECONDS_EACH)

    def _set(self, address: str, left: float, now: float) -> None:
        self._left[address] = (left, now)
        self._left.move_to_end(address)
        if len(self._left) > _ADDRESSES:
            self._left.popitem(last=False)
