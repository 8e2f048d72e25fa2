"""What was made of a text, so that the same text is not looked at again at each verdict."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Calls *made*, once for each of the last *most* texts.

    A text is remembered by its digest: every backup writes a new log, and thousands of them kept whole are more than
    all of a cluster's objects together.
    """

    def __init__(self, made: Callable[[str], T], most: int) -> None:
        self._made = made
        self._most = most
        self._known: dict[bytes, T] = {}

    def __call__(self, text: str) -> T:
        key = blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
        if key not in self._known:
            self._known[key] = self._made(text)
            while len(self._known) > self._most:
                del self._known[next(iter(self._known))]
        return self._known[key]

    def __len__(self) -> int:
        return len(self._known)
