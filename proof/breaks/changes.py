"""How a break changes the product: a name in memory, or a file that is no Python in a copy."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import reduce
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

T = TypeVar("T")
_PRODUCT: Final = "trax_mcp"


@dataclass(frozen=True, slots=True)
class Patch:
    """Another value of a name in a module or a class."""

    owner: Any
    name: str
    value: object
    original: object

    def __str__(self) -> str:
        return f"{getattr(self.owner, '__qualname__', self.owner.__name__)}.{self.name}"

    def apply(self) -> None:
        """Set it, and in each module of the product that has imported the original too."""
        setattr(self.owner, self.name, self.value)
        for loaded, module in tuple(sys.modules.items()):
            if loaded.partition(".")[0] == _PRODUCT and callable(self.original):
                for name, value in tuple(vars(module).items()):
                    if value is self.original:
                        setattr(module, name, self.value)


@dataclass(frozen=True, slots=True)
class Edit:
    """Another text in a file, once."""

    file: str
    old: str
    new: str

    def __str__(self) -> str:
        return self.file

    def apply(self) -> None:
        """Nothing is changed in memory."""

    def broken(self, root: Path) -> str:
        """The file with the other text.

        Raises:
            ValueError: the text to replace is not there exactly once.
        """
        text = (root / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file} does not have {self.old!r} exactly once.")
        return text.replace(self.old, self.new)


Changes: TypeAlias = "Mapping[str, Sequence[tuple[str, Patch | Edit]]]"
"""By the words with which a promise begins: tests that must fail, and what takes it away."""


class Break(NamedTuple):
    """A promise, by the words that its row begins with, the test that must fail, and the change.

    `test` is a file, or a test in it where others in the file do not bear all that is imported.
    """

    promise: str
    test: str
    change: Patch | Edit

    def __str__(self) -> str:
        return f"{self.promise} {self.change}"


class swap(Generic[T]):  # noqa: N801  it reads as a verb
    """A function, method or property of the product, of which mypy knows the type."""

    def __init__(self, original: T) -> None:
        self._original: Any = original

    def by(self, other: T) -> Patch:
        """Another one of the same type in its place."""
        original: Any = self._original
        function: Any = original
        value: Any = other
        if isinstance(original, property):
            function, value = original.fget, property(value)
        elif isinstance(original, MethodType):
            value = staticmethod(value)  # the class is in neither
        *owners, name = function.__qualname__.split(".")
        owner = reduce(getattr, owners, sys.modules[function.__module__])
        return Patch(owner, name, value, original)


def put(module: ModuleType, name: str, value: object) -> Patch:
    """Another constant in one module, or another module under the name that it imports."""
    getattr(module, name)
    return Patch(module, name, value, None)


def later(*, value: T) -> Callable[..., Coroutine[Any, Any, T]]:
    """A function that is awaited, and does nothing but return a value."""

    async def run(*_: object, **__: object) -> T:
        return value

    return run
