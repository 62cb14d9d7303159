"""The differences that a comparison of two contract documents finds, and their texts.

The live document is untrusted, so its text is quoted, shortened and kept on one line.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Literal

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.text_safety import escape, quote, truncate

Kind = Literal["added", "removed", "changed"]

DOCUMENT: Final = "document"
"""`where` of a difference that concerns no single call or schema."""
_LONGEST_WHERE = 160
_LONGEST_NAME = 60
_LONGEST_VALUE = 200
_SHORT = 30
_LARGEST_NUMBER_BITS = 64


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: `where` names a call, parameter, schema or field, `what` describes it.

    Both are one short line and safe to print. `breaking`: callers written for the older document
    may fail.
    """

    kind: Kind
    where: str
    what: str
    breaking: bool


class Differences:
    """The differences found so far. One that several calls share is listed once."""

    def __init__(self) -> None:
        self._breaking: dict[tuple[Kind, str, str], bool] = {}

    def add(self, kind: Kind, where: str, what: str, *, breaking: bool) -> None:
        """Add a difference. `what` must be safe to print already; `where` is made so."""
        key = (kind, _printable(where, longest=_LONGEST_WHERE), what)
        self._breaking[key] = self._breaking.get(key, False) or breaking

    def add_unreadable(self, where: str) -> None:
        """Add a part that breaks the OpenAPI format, or whose reference leads nowhere."""
        self.add("changed", where, "cannot be read", breaking=True)

    def compare_names(
        self, live: JsonObject, baked: JsonObject, *, under: str, noun: str
    ) -> list[str]:
        """Add the names that only one side has; removals break. Return the names that both have."""
        for name in (name for name in baked if name not in live):
            self.add("removed", f"{under}{name}", f"the {noun} is gone", breaking=True)
        for name in (name for name in live if name not in baked):
            self.add("added", f"{under}{name}", f"a new {noun}", breaking=False)
        return [name for name in baked if name in live]

    def compare_parts(
        self,
        live: JsonObject,
        baked: JsonObject,
        where: str,
        *,
        skip: AbstractSet[str] = frozenset(),
        breaking: AbstractSet[str] = frozenset(),
    ) -> None:
        """Add every part that differs, except those in `skip`, which are compared elsewhere."""
        for name in (*baked, *(name for name in live if name not in baked)):
            same = name in live and name in baked and live[name] == baked[name]
            if name not in skip and not same:
                what = _describe_change(name, live, baked)
                self.add("changed", where, what, breaking=name in breaking)

    def all(self) -> tuple[Difference, ...]:
        """All differences, in the order in which they were found."""
        return tuple(Difference(*key, breaking) for key, breaking in self._breaking.items())


def describe(value: object) -> str:
    """Describe a value in a few words, safe to print."""
    match value:
        case str():
            return quote(value, longest=_LONGEST_VALUE)
        case bool():
            return str(value).lower()
        case int() if value.bit_length() <= _LARGEST_NUMBER_BITS:
            return str(value)
        case float():
            return f"{value:g}"
        case _:
            return "something else"


def _describe_change(name: str, live: JsonObject, baked: JsonObject) -> str:
    part = _printable(name, longest=_LONGEST_NAME)
    if name not in live:
        return f"{part} is gone"
    if name not in baked:
        return (
            f"{part} is new: {describe(live[name])}" if _is_plain(live[name]) else f"{part} is new"
        )
    was, now = describe(baked[name]), describe(live[name])
    if len(was) <= _SHORT and was != now:
        return f"{part} was {was}, is {now}"
    return f"{part} is now {now}"


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)


def _printable(text: str, *, longest: int) -> str:
    return escape(truncate(text, longest=longest))
