"""An independent oracle: which tool arguments are valid, and which calls need consent.

An independent validator (JSON Schema 2020-12) checks the advertised schema. This module lists by
hand what is accepted or refused beyond the schema.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.support.fuzzing.strategies import is_encodable, is_valid_id, texts_in
from tests.support.operation_table import NEVER
from tests.support.product.declared_consent import needs_yes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import mcp_types as types

    from tests.world.wire import Message

LARGEST: Final = 2**53 - 1

IDS: Final = ("studioId", "destId", "sourceId")
GIVEN_IDS: Final = (*IDS, "connectionId")
CONSENT: Final = ("confirm", "confirmation")


def sent_texts(given: Message) -> Iterator[str]:
    """All texts that would be sent; the consent arguments are not."""
    yield from texts_in([it for name, it in given.items() if name not in CONSENT])


class Rule(NamedTuple):
    """A rule that no schema states."""

    why: str
    is_broken: Callable[[str, Message], bool]


def _bad_id(_tool: str, given: Message) -> bool:
    return not all(is_valid_id(given[name]) for name in given.keys() & set(GIVEN_IDS))


def _mixes_targets(_tool: str, given: Message) -> bool:
    rtmp_fields = {"rtmpUrl", "streamKey"} & given.keys()
    return len(rtmp_fields) == 1 or bool(rtmp_fields and "connectionId" in given)


RULES: Final = (
    Rule("no text is blank", lambda _, it: any(not x.strip() for x in sent_texts(it))),
    Rule(
        "a lone surrogate cannot be encoded",
        lambda _, it: not all(map(is_encodable, sent_texts(it))),
    ),
    Rule("an id must be a single path segment", _bad_id),
    Rule(
        "JSON readers disagree on larger whole numbers (RFC 8259, section 6)",
        lambda _, it: any(type(x) in {int, float} and x > LARGEST for x in it.values()),
    ),
    Rule("NaN is not a number", lambda _, it: any(x != x for x in it.values())),  # noqa: PLR0124  NaN
    Rule(
        "an update must change something",
        lambda tool, it: tool.startswith("update_") and not {*it} - {*IDS, *CONSENT},
    ),
    Rule(
        "a destination has either an address or a connection (the contract says so in prose)",
        lambda tool, it: tool == "create_destination" and _mixes_targets(tool, it),
    ),
)
"""Refused, although the schema allows it."""


def _number(value: Any) -> Any:  # noqa: ANN401  any JSON
    return int(value) if re.fullmatch(r"-?[0-9]{1,40}", value) else value


def _list(value: Any) -> Any:  # noqa: ANN401  any JSON
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


TOLERATED: Final[dict[str, Callable[[str], Any]]] = {
    "integer": _number,
    "number": _number,
    "boolean": lambda text: {"true": True, "false": False}.get(text, text),
    "array": _list,
}
"""By type: how text that stands for another type is read."""


def normalized(tool: types.Tool, arguments: Message) -> Message:
    """Arguments without nulls, and with text converted to the declared type."""
    properties = tool.input_schema["properties"]
    normal = {}
    for name, value in arguments.items():
        kind = properties.get(name, {}).get("type")
        convert = TOLERATED.get(kind) if isinstance(value, str) and name not in CONSENT else None
        normal[name] = convert(value) if convert else value
    return {name: value for name, value in normal.items() if arguments[name] is not None}


def is_valid(tool: types.Tool, arguments: Message) -> bool:
    """Whether these arguments must be accepted; otherwise they must be refused."""
    normal = normalized(tool, arguments)
    validator = Draft202012Validator(tool.input_schema)
    if not validator.is_valid(normal):
        return False
    return not any(rule.is_broken(tool.name, normal) for rule in RULES)


# Guarded calls, while every studio is live


def must_not_change_anything(tool: types.Tool, arguments: Message) -> bool:
    """Whether this call must change nothing, whatever its consent arguments say."""
    read_only = tool.annotations is not None and tool.annotations.read_only_hint is True
    return read_only or needs_yes(tool.name, normalized(tool, arguments)) != NEVER
