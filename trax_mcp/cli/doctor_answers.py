"""How TRaX's answers differ from what its reference says of them, for `trax-mcp doctor`."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from trax_mcp.api.contract import CONTRACT, JsonObject
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation

_KINDS: Final[tuple[tuple[type | tuple[type, ...], str, frozenset[str]], ...]] = (
    (bool, "true or false", frozenset({"boolean"})),
    (str, "text", frozenset({"string"})),
    (int, "a number", frozenset({"integer", "number"})),
    (float, "a number", frozenset({"number"})),
    (list, "a list", frozenset({"array"})),
    (dict, "an object", frozenset({"object"})),
)
"""Types of Python, in the order in which they are tried, what they are called, and JSON's names."""


def differences(operation: Operation[Model], answer: JsonObject) -> tuple[str, ...]:
    """What is otherwise in an answer than documented, and how often. Additions are no difference.

    No value is repeated, only documented names.
    """
    schema = CONTRACT.resolve(operation.endpoint.response)
    items = schema.get("properties", {}).get("data", {}).get("items")
    if items is None:
        return tuple(_problems(answer, schema))
    listed = answer.get("data")
    if not isinstance(listed, list):
        return (f"`data` is {_kind(listed)[0]}",)
    found = Counter(it for item in listed for it in _problems_of_item(item, items))
    return tuple(
        problem.format(f"{count} of {len(listed)}") for problem, count in found.most_common()
    )


def _problems_of_item(item: object, schema: JsonObject) -> Iterator[str]:
    """The problems of an item of a list, with a place for their number."""
    if not isinstance(item, dict):
        yield f"{{}} can't be read: it is {_kind(item)[0]}"
    elif _is_no_id(item.get("id")):
        what = f"is {_kind(item['id'])[0]}" if "id" in item else "is missing"
        yield f"{{}} can't be read: `id` {what}"
    else:
        yield from (f"{it} in {{}}" for it in _problems(item, CONTRACT.resolve(schema)))


def _problems(value: JsonObject, schema: JsonObject) -> Iterator[str]:
    required = schema.get("required", ())
    for name, declared in schema.get("properties", {}).items():
        if value.get(name) is None:
            if name in required:
                yield f"`{name}` is {'null' if name in value else 'missing'}"
            continue
        told, types = _kind(value[name])
        if CONTRACT.resolve(declared).get("type") not in types:
            yield f"`{name}` is {told}"


def _is_no_id(value: object) -> bool:
    return isinstance(value, bool) or not isinstance(value, str | int)


def _kind(value: Any) -> tuple[str, frozenset[str]]:  # noqa: ANN401  any JSON
    found = (it[1:] for it in _KINDS if isinstance(value, it[0]))
    return next(found, ("null", frozenset[str]()))
