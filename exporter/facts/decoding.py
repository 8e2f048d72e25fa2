"""Decoders of JSON, made one at a time.

msgspec works out what a class holds when it is first used, and keeps that with the class before it is complete. Two
threads that use a class for the first time at the same moment crash the process (msgspec 0.22). Sources are read in
threads of their own, and their classes share parts.
"""

import threading
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

_making: Final = threading.Lock()
_made: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}


def decoder_of(shape: type[T]) -> msgspec.json.Decoder[T]:
    """The decoder of *shape*, made on first use."""
    made = _made.get(shape)
    if made is None:
        with _making:
            made = _made.setdefault(shape, msgspec.json.Decoder(shape))
    return made


def converted(document: object, shape: type[T]) -> T:
    """*document*, which was parsed before, as a *shape*.

    Raises:
        msgspec.ValidationError: it is none.
    """
    decoder_of(shape)
    return msgspec.convert(document, shape)
