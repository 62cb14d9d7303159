"""What a framework has changed in the schemas of the tools."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from proof.frameworks.model import function_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from proof.clients.dialects import Json
    from proof.frameworks.model import Function

_SOME_CHARACTERS: Final = 60


class Change(NamedTuple):
    """A keyword of a schema that is not as the server has it."""

    where: str
    what: str


def changes(tools: Sequence[Json], offered: Sequence[Function]) -> list[str]:
    """A line for each kind of change, with how often it is made, and the first place."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for tool in tools:
        parameters = function_of(tool["name"], offered).parameters
        for it in _compare(tool["name"], tool["inputSchema"], parameters):
            kinds[it.what].append(it.where)
    return [f"{what} ({len(where)}, first in {where[0]})" for what, where in kinds.items()]


def unreachable(offered: Sequence[Function]) -> list[str]:
    """The objects that may hold nothing, where a tool has arguments."""
    return [it for tool in offered for it in _empty(tool.name, tool.parameters, is_top=True)]


def _compare(where: str, ours: Json, theirs: Json) -> Iterator[Change]:
    for key in ours | theirs:
        before, after = ours.get(key), theirs.get(key)
        if before == after:
            continue
        if key == "properties" and before and after:
            yield from _compare_properties(where, before, after)
        elif key == "items" and before and after:
            yield from _compare(f"{where}[]", before, after)
        elif key == "required":
            yield from _compare_required(where, set(before or ()), set(after or ()))
        elif before is None:
            yield Change(where, f"adds {key}" + _short(key, after))
        elif after is None:
            yield Change(where, f"loses {key}")
        else:
            yield Change(where, f"changes {key}")


def _compare_properties(where: str, ours: Json, theirs: Json) -> Iterator[Change]:
    for name in (it for it in ours if it not in theirs):
        yield Change(f"{where}.{name}", "loses the property")
    for name in (it for it in theirs if it not in ours):
        yield Change(f"{where}.{name}", "adds the property")
    for name in (it for it in ours if it in theirs):
        yield from _compare(f"{where}.{name}", ours[name], theirs[name])


def _compare_required(where: str, ours: set[str], theirs: set[str]) -> Iterator[Change]:
    if ours != theirs:
        is_stricter = theirs > ours
        yield Change(where, "requires what is optional" if is_stricter else "changes required")


def _short(key: str, value: object) -> str:
    if key not in {"additionalProperties", "type"}:
        return ""
    text = json.dumps(value)
    return f" {text}" if len(text) < _SOME_CHARACTERS else ""


def _empty(where: str, schema: Any, *, is_top: bool = False) -> Iterator[str]:  # noqa: ANN401  as JSON is
    if isinstance(schema, list):
        for it in schema:
            yield from _empty(where, it)
    if not isinstance(schema, dict):
        return
    is_closed = schema.get("additionalProperties") is False
    if not is_top and schema.get("type") == "object" and is_closed and not schema.get("properties"):
        yield where
    for name, it in (schema.get("properties") or {}).items():
        yield from _empty(f"{where}.{name}", it)
    for key in ("items", "anyOf"):
        yield from _empty(f"{where}[]" if key == "items" else where, schema.get(key))
