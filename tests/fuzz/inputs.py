"""Input that a model, a person or a hostile program may send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import mcp_types as types
from hypothesis import reject
from hypothesis import strategies as st

from tests.support.hostile_texts import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.world.wire import Message

Strategy = st.SearchStrategy[Any]

NESTING_DEPTH: Final = 100

STUDIOS: Final = ("studio_42", "studio_43", "studio_51", "studio_60")
"""The studios that the sandbox's owner sees."""

STREAM_URLS: Final = (
    "rtmps://live.example/app",
    "rtmp://user:word@live.example:1935/app?key=value#x",
    "rtmp://[",
    "rtmp://[::1",
    "rtmp://[not-an-address]/app",
    "rtmp://live.example:99999999/app",
    "rtmp://live.example:port/app",
    "rtmp://\u2100.example/app",
    "//",
    "rtmp://",
    "live.example",
)
"""Stream addresses, several of which are hard to parse."""

KNOWN: Final[Mapping[str, Sequence[Any]]] = {
    "studioId": ("studio_42", "studio_42", "studio_42", *STUDIOS, "studio_99"),
    "destId": ("dest_1", "dest_3", "dest_3", "dest_4", "dest_90"),
    "sourceId": ("source_1", "source_2", "source_2", "source_4"),
    "connectionId": ("conn_1", "conn_2", "conn_90"),
    "contentType": ("video/mp4", "image/png", "text/html"),
    "rtmpUrl": STREAM_URLS,
    "streamKey": ("live-4711-do-not-print-me", "live-4712-nor-me-in-any-text"),
    "url": STREAM_URLS,
    "platforms": ("twitch", "youtube"),
    "after": ("start",),
    "query": ("friday", "studio_42"),
    "confirm": (True, True, True, False),
    "path": ("intro.mp4", "secret.png", "../secret.png", "/etc/passwd"),
}
"""By argument name: values for which a call finds something."""


def one_of(values: Sequence[Any]) -> Strategy:
    """Like `sampled_from`, which would print all values, however long."""
    return st.integers(0, len(values) - 1).map(lambda at: values[at])


# Any JSON, and NaN

ODD_TEXTS: Final = (
    *("", " ", "\n\t", "\x00", "a\x00b", "\x7f", "\ud800", "a\udfffb", "\u202eevil\u202c"),
    *("\u200b", "null", "true", "True", "0", "-1", "50", "1.5", "1e400", "NaN", "\uff15\uff10"),
    *("9" * 40, "9" * 5_000, '["twitch"]', "[null]", "[" * 9_000, "{}"),
    *(".", "..", "../../v1/studios/studio_99", "/", "%2e%2e%2f", "%", "a?b=c#d"),
    *("$studio", "${studio}", "{{studio}}", "{0.__class__}", "%(studio)s"),
    "+++\nname = 'x'\n+++\n",
    *("x" * 512, "x" * 513, "x" * 1_000, "x" * 1_001, "é" * 4_096, "x" * 4_097),
    "\U0001f600" * 70_000,
)
ODD_NUMBERS: Final = (
    *(0, -0.0, 1, -1, 55, 56, 200, 201, 50.0, 0.5, 2**53 - 1, 2**53, -(2**63), 2**64, 10**400),
    *(1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
)


def _nested() -> Iterator[Any]:
    """The same depth in lists and in objects."""
    in_lists: Any = "x"
    in_objects: Any = "x"
    for _ in range(NESTING_DEPTH):
        in_lists, in_objects = [in_lists], {"a": in_objects}
    yield from (in_lists, in_objects)


ODD_VALUES: Final = (None, True, False, [], {}, *ODD_NUMBERS, *ODD_TEXTS, *_nested())
"""Each kind of value once."""

_ODD_CHARACTERS: Final = '\ud800\udfff\x00\n\x1b\u202e\u200b\u2028"\\$%/'
EVERY_TEXT: Final = st.text(st.characters() | st.sampled_from(_ODD_CHARACTERS), max_size=40)
"""All of Unicode, often with surrogates and invisible characters."""
TEXTS: Final = EVERY_TEXT | one_of(ODD_TEXTS) | one_of(sorted(HOSTILE.values()))
NAMES: Final = TEXTS | st.sampled_from(("studio_id", "id", "__class__", "confirm", "studioId"))
SCALARS: Final = (
    st.none() | st.booleans() | st.integers() | st.floats() | one_of(ODD_NUMBERS) | TEXTS
)
ANYTHING: Final = SCALARS | st.recursive(
    SCALARS | one_of(list(_nested())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
OBJECTS: Final = st.dictionaries(NAMES, ANYTHING, max_size=4)


# Arguments


def _valid(schema: Mapping[str, Any], name: str = "") -> Strategy:  # noqa: PLR0911  one for each kind
    """Values that a schema allows. Supports only the keywords that our own schemas use."""
    match schema["type"]:
        case "object":
            fields = {it: _valid(inner, it) for it, inner in schema["properties"].items()}
            required = {it: fields.pop(it) for it in schema.get("required", ())}
            return st.fixed_dictionaries(required, optional=fields)
        case "array":
            return st.lists(_valid(schema["items"], name), min_size=schema["minItems"], max_size=3)
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "number":
            return st.floats(schema["minimum"], schema["maximum"])
        case "boolean":
            return st.sampled_from(KNOWN.get(name, (True, False)))
        case "string" if "enum" in schema:
            return st.sampled_from(schema["enum"])
    return st.sampled_from(KNOWN.get(name, ("Late Show", "kick"))) | TEXTS


@st.composite
def arguments_for(draw: st.DrawFn, schema: Mapping[str, Any]) -> Message:
    """Valid arguments, often with one field missing, extra, null, of another type or renamed."""
    arguments: Message = draw(_valid(schema))
    if draw(st.booleans()):
        return arguments
    if not arguments or draw(st.booleans()):
        return {**arguments, draw(NAMES): draw(ANYTHING)}
    name = draw(st.sampled_from(sorted(arguments)))
    value = arguments.pop(name)
    change = st.one_of(
        st.sampled_from([{}, {name: None}, {name: json.dumps(value)}, {name: [value]}]),
        st.builds(lambda other: {other: value}, NAMES),
        st.builds(lambda other: {name: other}, one_of(ODD_TEXTS) | ANYTHING),
    )
    return {**arguments, **draw(change)}


def as_sent(arguments: Message) -> Message:
    """Arguments as the SDK's client serializes them; rejects what it cannot serialize."""
    params = types.CallToolRequestParams(name="", arguments=arguments)
    try:
        sent: Message = params.model_dump(mode="json")["arguments"]
    except UnicodeEncodeError:
        reject()
    return sent


# Resource URIs

_SCHEMES: Final = ("trax://", "trax://", "trax://", "TRAX://", "trax:", "http://", "file:///", "")
_PARTS: Final = (
    *("studios", "chat", "stream-status", "openapi.json", "studio_42", "studio_99", ""),
    *("..", ".", "%2e%2e", "%2F", "%", "%zz", "%ff", "%00", "%C3%A9", "a b", "a,b", "{studioId}"),
    *("a@b:1", "?after=start", "?after=", "#x", "?", "studio%5f42", "%73tudio_42", "\\", "*"),
)
_TAILS: Final = (
    *("", "/", "/chat", "/stream-status", "/chat?after=x&after=y", "#x", "//chat"),
    *("/chat?after=start", f"/chat?after={'a' * 64}", "/chat?after=-_-_-_-_", "/chat?after=%ff"),
)
_SEGMENTS: Final = st.sampled_from(_PARTS) | EVERY_TEXT


def is_encodable(text: str) -> bool:
    """Whether a text can be sent: it has no lone surrogate."""
    return not any("\ud800" <= it <= "\udfff" for it in text)


def _encoded(text: str) -> str:
    return quote(text, safe="") if is_encodable(text) else text


_STUDIO_IDS: Final = st.sampled_from(KNOWN["studioId"]) | TEXTS.map(_encoded)
_AFTER: Final = TEXTS.map(lambda it: f"/chat?after={_encoded(it)}")
URIS: Final = (
    st.builds("trax://studios/{}{}".format, _STUDIO_IDS, st.sampled_from(_TAILS) | _AFTER)
    | st.builds("trax://studios/{}{}".format, _SEGMENTS, st.sampled_from(_TAILS))
    | st.builds(
        lambda scheme, parts: scheme + "/".join(parts),
        st.sampled_from(_SCHEMES),
        st.lists(_SEGMENTS, max_size=4),
    )
    | TEXTS
).filter(is_encodable)
"""Valid URIs, near misses and other texts. A client also writes a URI into a header."""
