"""A field of a dataclass that may be given as a function, for what is slow to find out and seldom asked for."""

from collections.abc import Callable
from typing import Generic, TypeVar, overload

T = TypeVar("T")


class Later(Generic[T]):
    """Given a value, the field is that; given a function, it is what that returns, called when first read."""

    def __init__(self, default: Callable[[], T]):
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Callable[[], T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> T | Callable[[], T]:
        if instance is None:  # a dataclass asks for the default so
            return self.default
        value = instance.__dict__[self.name]
        if callable(value):
            value = instance.__dict__[self.name] = value()
        return value

    def __set__(self, instance: object, value: T | Callable[[], T]) -> None:
        instance.__dict__[self.name] = value
