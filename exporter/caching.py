"""Properties that are worked out when they are first asked for, and kept; and whether what was kept still holds."""

import operator
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


def are_identical(some: Sequence[object], others: Sequence[object]) -> bool:
    """Whether they hold the very same things: what was made of the ones was made of the others."""
    return len(some) == len(others) and all(map(operator.is_, some, others))


class cached(Generic[T]):  # noqa: N801 - used as a decorator, as `cached_property` is
    """A cached property of what one thread uses: Python 3.11 takes a lock for each of its own, which costs a third."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "cached[T]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> "cached[T] | T":
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._work(instance)
        return value
