"""What the arguments of a tool mean, said once more and independently of the product.

The advertised schema is read by an independent validator (JSON Schema 2020-12). What is tolerated
beyond it, refused besides, and what needs a yes, is written down here by hand, each with its
reason. Nothing here calls anything.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.fuzz.values import LONGEST_CURSOR, is_whole, may_be_id, texts_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import mcp_types as types

    from tests.jsonrpc import Message

LARGEST: Final = 2**53 - 1

IDS: Final = ("studioId", "destId", "sourceId")
CURSORS: Final = ("cursor", "after")
CONSENT: Final = ("confirm", "confirmation")


def is_id(tool: str, name: str) -> bool:
    """Whether an argument becomes a part of a path."""
    return name in IDS or (tool, name) == ("unlink_connection", "connectionId")


def texts(given: Message) -> Iterator[str]:
    """All texts that would be sent; what stands for consent is not."""
    yield from texts_in([it for name, it in given.items() if name not in CONSENT])


class Rule(NamedTuple):
    """What no schema says, and why it is refused all the same."""

    why: str
    is_broken: Callable[[str, Message], bool]


def _bad_id(tool: str, given: Message) -> bool:
    return not all(may_be_id(it) for name, it in given.items() if is_id(tool, name))


def _mixed_ways(_tool: str, given: Message) -> bool:
    by_address = {"rtmpUrl", "streamKey"} & given.keys()
    return len(by_address) == 1 or bool(by_address and "connectionId" in given)


RULES: Final = (
    Rule("nothing is called by nothing", lambda _, it: any(not x.strip() for x in texts(it))),
    Rule(
        "half a surrogate pair is no text, and cannot be sent",
        lambda _, it: not all(map(is_whole, texts(it))),
    ),
    Rule("an id must stay in its place in the path", _bad_id),
    Rule(
        "the longest URL is bounded",
        lambda _, it: any(len(it.get(name, "")) > LONGEST_CURSOR for name in CURSORS),
    ),
    Rule(
        "JSON readers disagree on larger whole numbers (RFC 8259, section 6)",
        lambda _, it: any(type(x) in {int, float} and x > LARGEST for x in it.values()),
    ),
    Rule("what is not a number is none", lambda _, it: any(x != x for x in it.values())),  # noqa: PLR0124  NaN
    Rule(
        "an update must change something",
        lambda tool, it: tool.startswith("update_") and not {*it} - {*IDS, *CONSENT},
    ),
    Rule(
        "a destination is reached in one way (the contract says so in words)",
        lambda tool, it: tool == "create_destination" and _mixed_ways(tool, it),
    ),
)
"""What is refused beyond the schema."""


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
"""By type: what models send as text, and what is unambiguous in it."""


def understood(tool: types.Tool, arguments: Message) -> Message:
    """Arguments as they may be meant: null is left out, and text stands for what it says."""
    properties = tool.input_schema["properties"]
    meant = {}
    for name, value in arguments.items():
        kind = properties.get(name, {}).get("type")
        reads = TOLERATED.get(kind) if isinstance(value, str) and name not in CONSENT else None
        meant[name] = reads(value) if reads else value
    return {name: value for name, value in meant.items() if arguments[name] is not None}


def is_valid(tool: types.Tool, arguments: Message) -> bool:
    """Whether these arguments must be taken; else they must be refused."""
    meant = understood(tool, arguments)
    validator = Draft202012Validator(tool.input_schema)
    if not validator.is_valid(meant):
        return False
    return not any(rule.is_broken(tool.name, meant) for rule in RULES)


# What needs a yes, while every studio is on air

NEEDS_YES: Final[dict[str, Callable[[Message], bool]]] = {
    **dict.fromkeys(
        ("go_live", "go_offline", "delete_destination", "delete_source", "unlink_connection"),
        lambda _: True,
    ),
    "update_studio": lambda it: it.get("autoGoLive") is True,
    "create_destination": lambda it: it.get("enabled") is not False,
    "update_destination": lambda it: not {*it} <= {"studioId", "destId", "name", *CONSENT},
    "create_source": lambda it: it.get("active") is not False,
    "update_source": lambda it: not {*it} <= {"studioId", "sourceId", "name", *CONSENT},
}
"""The README's table of what needs a yes, once more; by tool."""


def changes_nothing(tool: types.Tool, arguments: Message) -> bool:
    """Whether such a call may not change anything, whatever it says of a yes."""
    reads = tool.annotations is not None and tool.annotations.read_only_hint is True
    needs_yes = NEEDS_YES.get(tool.name)
    return reads or (needs_yes is not None and needs_yes(understood(tool, arguments)))
