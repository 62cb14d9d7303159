"""Which arguments and addresses are valid: what the schemas say, and the rules beyond them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from tests.fuzz.inputs import is_encodable
from tests.support.hostile_texts import is_hidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    import mcp_types as types

    from tests.world.wire import Message

MAX_ID_LENGTH: Final = 512
_MAX_CURSOR_LENGTH: Final = 4_096
_LARGEST: Final = 2**53 - 1
_IDS: Final = {"studioId", "destId", "sourceId"}
_CONSENT: Final = {"confirm", "confirmation"}
_WIDER_WITHOUT: Final = {
    ("send_chat_message", "platforms"),
    ("create_destination", "enabled"),
    ("create_source", "active"),
}
"""The optional arguments without which a call does more, so that an empty text is wrong there."""
_LONGEST: Final = {"cursor": _MAX_CURSOR_LENGTH, "after": _MAX_CURSOR_LENGTH, "confirmation": 512}


def texts_in(value: object) -> Iterator[str]:
    """Every text in a JSON value, including field names."""
    match value:
        case str():
            yield value
        case dict():
            yield from texts_in([*value, *value.values()])
        case list():
            for inner in value:
                yield from texts_in(inner)


def is_valid_id(text: str) -> bool:
    """Whether a text could be an id that is a single path segment."""
    controls = re.search(r"[\x00-\x1f\x7f-\x9f]", text)
    fits = bool(text.strip()) and len(text) <= MAX_ID_LENGTH
    return fits and not controls and text not in {".", ".."} and is_encodable(text)


# Arguments


def normalized(tool: types.Tool, arguments: Message) -> Message:
    """Arguments without those left empty, and with text in place of another type converted."""
    properties = tool.input_schema["properties"]
    required = tool.input_schema.get("required", ())
    may_be_empty = {
        it for it in properties.keys() - required if (tool.name, it) not in _WIDER_WITHOUT
    }
    normal = {}
    for name, value in arguments.items():
        kind = properties.get(name, {}).get("type")
        is_text = isinstance(value, str) and name not in _CONSENT
        normal[name] = _tolerated(kind, value) if is_text else value
    return {
        name: value
        for name, value in normal.items()
        if value is not None and not (value == "" and name in may_be_empty)
    }


def _tolerated(kind: str | None, text: str) -> Any:  # noqa: ANN401  any JSON
    match kind:
        case "integer" | "number" if re.fullmatch(r"-?[0-9]{1,40}", text):
            return int(text)
        case "boolean":
            return {"true": True, "false": False}.get(text, text)
        case "array":
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                return text
    return text


def is_valid(tool: types.Tool, arguments: Message) -> bool:
    """Whether these arguments must be accepted; otherwise they must be refused."""
    given = normalized(tool, arguments)
    return Draft202012Validator(tool.input_schema).is_valid(given) and not any(
        _broken_rules(tool.name, given)
    )


def _broken_rules(tool: str, given: Message) -> Iterator[bool]:
    """The rules that no schema states: whether each is broken."""
    sent = list(texts_in({name: it for name, it in given.items() if name not in _CONSENT}))
    yield not all(it.strip() and is_encodable(it) for it in sent)
    yield not all(is_valid_id(given[name]) for name in given.keys() & (_IDS | {"connectionId"}))
    yield any(len(str(given[name])) > _LONGEST[name] for name in given.keys() & _LONGEST)
    # NaN is no number, and JSON readers disagree on larger whole ones (RFC 8259, section 6).
    yield any(type(it) in {int, float} and not it <= _LARGEST for it in given.values())
    yield tool.startswith("update_") and not {*given} - _IDS - _CONSENT
    if tool == "create_destination":  # either an address or a connection, as the contract says
        address = {"rtmpUrl", "streamKey"} & given.keys()
        yield len(address) == 1 or bool(address and "connectionId" in given)


# Resource URIs


@dataclass(frozen=True)
class Meaning:
    """The meaning of a URI. `canonical`: it is written as its template is expanded."""

    studio: str
    part: str
    after: str | None
    canonical: bool


_STUDIO_URI: Final = re.compile(
    r"trax://studios/([^/?#]+)(?:(/stream-status)|(/chat)(?:\?after=([^#]*))?)?", re.DOTALL
)
_CANONICAL: Final = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+")


def meaning_of(uri: str) -> Meaning | None:
    """The meaning of a URI, None if it can mean nothing."""
    if (found := _STUDIO_URI.fullmatch(uri)) is None:
        return None
    written, status, chat, after = found.groups()
    try:
        studio = unquote(written, errors="strict")
        cursor = after and unquote(after, errors="strict")
    except UnicodeDecodeError:
        return None
    is_cursor = cursor is None or (cursor.strip() and len(cursor) <= _MAX_CURSOR_LENGTH)
    if not is_valid_id(studio) or not is_cursor:
        return None
    canonical = all(_CANONICAL.fullmatch(it) for it in (written, after) if it is not None)
    return Meaning(studio, status or chat or "", cursor, canonical)


# Output


def as_quoted(text: str) -> str:
    """A text as it must appear between quotes: on one line, all of it visible."""
    return "".join(map(_quoted_character, text))


def _quoted_character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if not is_hidden(character):
        return character
    return f"\\u{ord(character):04x}" if ord(character) <= 0xFFFF else json.dumps(character)[1:-1]
