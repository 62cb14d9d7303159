"""Strategies for input that a model, a person or a hostile program may send.

Valid values come from the advertised schemas and from ids of the seeded sandbox.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import mcp_types as types
from hypothesis import reject
from hypothesis import strategies as st

from tests.support.hostile_texts import HOSTILE, is_hidden

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.world.wire import Message

Strategy = st.SearchStrategy[Any]
Known = dict[str, "Sequence[Any]"]

NESTING_DEPTH: Final = 100
MAX_ID_LENGTH: Final = 512
MAX_CURSOR_LENGTH: Final = 4_096

STUDIOS: Final = ("studio_42", "studio_43", "studio_51", "studio_60")
"""The studios that the sandbox's owner sees."""

OTHER_ACCOUNT: Final = ("The Stranger's Studio", "Elsewhere", "Stranger's Channel", "private.mp4")
"""Names of another account in the same sandbox: no answer may contain them."""

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

KNOWN: Final[Known] = {
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


def _one_of(values: Sequence[Any]) -> Strategy:
    """Like `sampled_from`, which would print all values, however long."""
    return st.integers(0, len(values) - 1).map(lambda at: values[at])


def mostly(usual: Strategy, other: Strategy, *, of: int) -> Strategy:
    """`other` once in `of` times, otherwise `usual`."""
    return st.integers(1, of).flatmap(lambda roll: other if roll == of else usual)


# Text

ODD_TEXTS: Final = (
    *(
        "",
        " ",
        "\n\t",
        "\x00",
        "a\x00b",
        "\x7f",
        "\ud800",
        "a\udfffb",
        "\u202eevil\u202c",
        "\u200b",
    ),
    *("null", "true", "True", "0", "-1", "50", "1.5", "1e400", "NaN", "\uff15\uff10"),
    *("9" * 40, "9" * 5_000, '["twitch"]', "[null]", "[" * 9_000, "{}"),
    *(".", "..", "../../v1/studios/studio_99", "/", "%2e%2e%2f", "%", "a?b=c#d"),
    *("$studio", "${studio}", "{{studio}}", "{0.__class__}", "%(studio)s"),
    "+++\nname = 'x'\n+++\n",
    *("x" * 512, "x" * 513, "x" * 1_000, "x" * 1_001, "é" * 4_096, "x" * 4_097),
    "\U0001f600" * 70_000,
)

ODD_CHARACTERS: Final = '\ud800\udfff\x00\n\x1b\u202e\u200b\u2028"\\$%/'
EVERY_TEXT: Final = st.text(st.characters() | st.sampled_from(ODD_CHARACTERS), max_size=40)
"""All of Unicode, often with surrogates and invisible characters."""

TEXTS: Final = EVERY_TEXT | _one_of(ODD_TEXTS) | _one_of(sorted(HOSTILE.values()))
NAMES: Final = TEXTS | st.sampled_from(("studio_id", "id", "__class__", "confirm", "studioId"))


# Any JSON, and NaN

ODD_NUMBERS: Final = (
    *(0, -0.0, 1, -1, 55, 56, 200, 201, 50.0, 0.5, 2**53 - 1, 2**53, -(2**63), 2**64, 10**400),
    *(1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
)
NUMBERS: Final = st.integers() | st.floats() | _one_of(ODD_NUMBERS)
SCALARS: Final = st.none() | st.booleans() | NUMBERS | TEXTS


def nested(*, depth: int) -> Iterator[Any]:
    """The same depth in lists and in objects."""
    in_lists: Any = "x"
    in_objects: Any = "x"
    for _ in range(depth):
        in_lists, in_objects = [in_lists], {"a": in_objects}
    yield from (in_lists, in_objects)


_NESTED: Final = st.recursive(
    SCALARS | _one_of(list(nested(depth=NESTING_DEPTH))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
ANYTHING: Final = SCALARS | _NESTED
ODD_VALUES: Final = (
    None,
    True,
    False,
    [],
    {},
    *ODD_NUMBERS,
    *ODD_TEXTS,
    *nested(depth=NESTING_DEPTH),
)
"""Each kind of value once."""

OBJECTS: Final = st.dictionaries(NAMES, ANYTHING, max_size=4)


# Arguments


def valid(schema: Mapping[str, Any], known: Known, name: str = "") -> Strategy:  # noqa: PLR0911  one for each kind
    """Values that a schema allows; `known` are values by field name.

    Supports only the keywords that our own schemas use, which `test_tools` checks.
    """
    match schema["type"]:
        case "object" if "properties" not in schema:  # the arguments of another tool
            return OBJECTS
        case "object":
            fields = {it: valid(inner, known, it) for it, inner in schema["properties"].items()}
            required = {it: fields.pop(it) for it in schema.get("required", ())}
            return st.fixed_dictionaries(required, optional=fields)
        case "array":
            return st.lists(valid(schema["items"], known, name), max_size=3)
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "number":
            whole = st.integers(schema["minimum"], schema["maximum"])
            return whole | st.floats(schema["minimum"], schema["maximum"])
        case "boolean":
            return st.sampled_from(known.get(name, (True, False)))
        case "string" if "enum" in schema:
            return st.sampled_from(schema["enum"])
        case "string":
            return mostly(st.sampled_from(known.get(name, ("Late Show", "kick"))), TEXTS, of=4)
    raise AssertionError(schema)


@st.composite
def nearly_valid(draw: st.DrawFn, schema: Mapping[str, Any], known: Known) -> Message:
    """Valid except for one field: missing, extra, null, of another type or renamed."""
    arguments: Message = draw(valid(schema, known))
    if not arguments or draw(st.integers(0, 3)) == 0:
        return {**arguments, draw(NAMES): draw(ANYTHING)}
    name = draw(st.sampled_from(sorted(arguments)))
    value = arguments.pop(name)
    change = st.one_of(
        st.just({}),
        st.sampled_from([{name: None}, {name: json.dumps(value)}, {name: [value]}]),
        st.builds(lambda other: {other: value}, NAMES),
        st.builds(lambda other: {name: other}, _one_of(ODD_TEXTS) | ANYTHING),
    )
    return {**arguments, **draw(change)}


def arguments_for(schema: Mapping[str, Any], known: Known = KNOWN) -> Strategy:
    """Arguments for a tool with this input schema: valid, nearly valid and random."""
    invalid = mostly(nearly_valid(schema, known), OBJECTS, of=4)
    return mostly(valid(schema, known), invalid, of=2)


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

SEGMENTS: Final = st.sampled_from(_PARTS) | EVERY_TEXT
CURSORS: Final = TEXTS | st.sampled_from(("start", "a" * 64, "A" * 8, "-_-_-_-_", "=", "start "))


def is_valid_id(text: str) -> bool:
    """Whether a text could be an id that is a single path segment."""
    controls = re.search(r"[\x00-\x1f\x7f-\x9f]", text)
    fits = bool(text.strip()) and len(text) <= MAX_ID_LENGTH
    return fits and not controls and text not in {".", ".."} and is_encodable(text)


def is_encodable(text: str) -> bool:
    """Whether a text can be sent: it has no lone surrogate."""
    return not any("\ud800" <= it <= "\udfff" for it in text)


def percent_encoded(text: str) -> str:
    """A text as one URI segment; lone surrogates are left as they are."""
    return quote(text, safe="") if is_encodable(text) else text


@st.composite
def _valid_uris(draw: st.DrawFn) -> str:
    """A well-formed resource URI with any studio id."""
    studio = percent_encoded(draw(st.sampled_from(KNOWN["studioId"]) | TEXTS))
    tail = draw(st.sampled_from(("", "/stream-status", "/chat", "/chat", "after")))
    if tail == "after":
        tail = f"/chat?after={percent_encoded(draw(CURSORS))}"
    return f"trax://studios/{studio}{tail}"


_RANDOM_URIS: Final = st.builds(
    lambda scheme, parts: scheme + "/".join(parts),
    st.sampled_from(_SCHEMES),
    st.lists(SEGMENTS, max_size=4),
)
_NEAR_MISSES: Final = st.builds(
    lambda studio, tail: f"trax://studios/{studio}{tail}",
    SEGMENTS,
    st.sampled_from(("", "/", "/chat", "/stream-status", "/chat?after=x&after=y", "#x", "//chat")),
)
URIS: Final = _valid_uris() | _valid_uris() | _NEAR_MISSES | _RANDOM_URIS | TEXTS
"""Valid URIs, near misses and other texts."""


# Expected output


def as_quoted(text: str) -> str:
    """A text as it must appear between quotes: on one line, all of it visible."""
    return "".join(map(_quoted_character, text))


def _quoted_character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if not is_hidden(character):
        return character
    return f"\\u{ord(character):04x}" if ord(character) <= 0xFFFF else json.dumps(character)[1:-1]


def texts_in(value: object) -> Iterator[str]:
    """Every text in a JSON value, including field names."""
    match value:
        case str():
            yield value
        case dict():
            for name, inner in value.items():
                yield name
                yield from texts_in(inner)
        case list():
            for inner in value:
                yield from texts_in(inner)
