"""Raw JSON-RPC messages, valid and invalid, in both protocol eras.

Each message carries the reply that it must get. Those that must have no effect are built from a
call that would create a studio, and contain a canary to detect in requests and logs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tests.world.wire import request, tool_call

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from tests.world.wire import Message

CANARY: Final = "c4nary"
"""Part of all generated text; it must never appear on stderr."""

SERVER_ERRORS: Final = {-32603, 0}
"""Error codes that blame the server; a client must never cause them."""


class Expected(Enum):
    """The reply that a message must get."""

    ANSWERED = "exactly one response, with its id"
    REFUSED = "exactly one error, with its id or with null"
    SILENT = "no response"
    EITHER = "at most one response: parsers disagree, and it has no effect"


@dataclass(frozen=True, repr=False)
class RawMessage:
    """A message without line end. `number` is its id, or None without one."""

    text: bytes
    expected: Expected
    number: object = None
    message: Message | None = None
    """The valid message that a transport derives headers from."""

    def __repr__(self) -> str:
        """The start and the end, since some messages are very long."""
        return f"{self.expected.name}({self.text[:300]!r}...{self.text[300:][-100:]!r})"


# Values

_CANARIES: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
    lambda word: CANARY + word
)
_SCALARS: Final = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _CANARIES
    | st.sampled_from(["", CANARY * 2_000, 2**64, 10**400, 1e308])
)
_VALUES: Final = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_CANARIES, inner, max_size=3),
    max_leaves=6,
)
_IDS: Final = st.one_of(
    st.integers(),
    _CANARIES,
    st.sampled_from([2**53 + 1, -(2**63) - 1, 10**4_000, "", "7", "null", "a\x00b", "x" * 10_000]),
)
"""Ids that MCP allows: integers and strings."""
_INVALID_IDS: Final = (
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.sampled_from([{"a": 1}, [1]])
)

_KEYS = ("cursor", "name", "arguments", "uri", "ref", "argument", "requestState", "inputResponses")
_META_KEYS = ("progressToken", "traceparent", "baggage", "related-task", CANARY)
_METHODS = (
    *("tools/list", "prompts/list", "resources/templates/list", "prompts/get", "resources/read"),
    *("resources/subscribe", "resources/unsubscribe", "completion/complete", "logging/setLevel"),
    *("ping", "server/discover", "tasks/list", "sampling/createMessage", "elicitation/create"),
)
_ODD_PARAMS = st.dictionaries(st.sampled_from(_KEYS) | _CANARIES, _VALUES, max_size=4)
_ODD_META = st.dictionaries(st.sampled_from(_META_KEYS), _VALUES, max_size=3)


def _serialized(message: object) -> bytes:
    return json.dumps(message).encode()


_TOOLS: Final = ("create_studio", "send_chat_message", "go_live", CANARY, 7, None)
_INVALID_MEMBERS: Final[dict[str, tuple[object, ...]]] = {
    "jsonrpc": ("1.0", "2", "", None, 2.0, 2, ["2.0"]),
    "method": (None, 7, 1.5, True, [], {}),
    "params": ([], [CANARY], CANARY, 7, True),
}
_OUTCOMES: Final[tuple[Message, ...]] = (
    {"result": {}},
    {"result": {"action": "accept", "content": {"confirm": True}}},
    {"error": {"code": -32603, "message": CANARY}},
)


@st.composite
def raw_messages(draw: st.DrawFn, era: str) -> RawMessage:  # noqa: C901, PLR0911  one for each kind
    """Any raw message of this era."""
    kind = draw(st.integers(0, 8))
    number = draw(_IDS)
    call: Message = {**tool_call(era, "create_studio", name=CANARY), "id": number}
    match kind:
        case 0:  # a request that needs no TRaX, with any params and metadata
            params = draw(st.just({}) | _ODD_PARAMS)
            message = request(era, draw(st.sampled_from([*_METHODS, CANARY])), params)
            message["params"].setdefault("_meta", {}).update(draw(st.just({}) | _ODD_META))
            message["id"] = number
            return RawMessage(_serialized(message), Expected.ANSWERED, number, message)
        case 1:  # an unknown tool, or wrong arguments
            arguments = draw(st.sampled_from([{}, {CANARY: 1}]) | _ODD_PARAMS | _VALUES)
            if isinstance(arguments, dict):
                arguments.pop("name", None)
            named = {"name": draw(st.sampled_from(_TOOLS)), "arguments": arguments}
            message = {**request(era, "tools/call", named), "id": number}
            return RawMessage(_serialized(message), Expected.ANSWERED, number, message)
        case 2:  # one member is missing or invalid
            member = draw(st.sampled_from(sorted(_INVALID_MEMBERS)))
            malformed = {**call, member: draw(st.sampled_from(_INVALID_MEMBERS[member]))}
            if member != "params" and draw(st.booleans()):
                del malformed[member]
            return RawMessage(_serialized(malformed), Expected.REFUSED, number, call)
        case 3:  # not one JSON object
            call["id"] = 1
            return RawMessage(draw(_invalid_json(call)), Expected.REFUSED, None, call)
        case 4:  # parsers disagree, and it asks for a list, so either outcome is safe
            message = {**request(era, "prompts/list", {"x": "HERE"}), "id": number}
            text = draw(_ambiguous_json(_serialized(message)))
            return RawMessage(text, Expected.EITHER, number, message)
        case 5:  # the SDK takes it for a notification, or ignores it
            call["id"] = draw(_INVALID_IDS)
            text = _serialized(call).replace(b"Infinity", b"1e999")
            return RawMessage(text, Expected.EITHER, None, call)
        case 6:  # a call without an id, which must not run
            del call["id"]
            return RawMessage(_serialized(call), Expected.SILENT)
        case 7:  # a notification, or a cancellation of nothing
            method = draw(st.sampled_from(["progress", "cancelled", "roots/list_changed", "x"]))
            odd: Any = draw(st.none() | _ODD_PARAMS)
            if method == "cancelled":
                odd = {"requestId": draw(_CANARIES | _INVALID_IDS)}
            message = {"jsonrpc": "2.0", "method": f"notifications/{method}", "params": odd}
            return RawMessage(_serialized(message), Expected.SILENT, None, message)
    # a response to no request
    message = {"jsonrpc": "2.0", "id": number, **draw(st.sampled_from(_OUTCOMES))}
    return RawMessage(_serialized(message), Expected.SILENT)


def _invalid_json(call: Message) -> SearchStrategy[bytes]:
    valid = _serialized(call)
    return st.one_of(
        st.integers(1, len(valid) - 1).map(lambda end: valid[:end]),
        st.sampled_from([b"x", b"}", b",", b"\x00", b"{}", b" " + valid]).map(valid.__add__),
        st.sampled_from([b"x", b"[", b",", b"\x00", b"\xff\xfe"]).map(lambda it: it + valid),
        st.sampled_from([[], [call], [call, call], 5, "x", True]).map(_serialized),
        st.just(valid.replace(b'"', b"'")),
        st.binary(min_size=1, max_size=40).filter(_is_a_line),
    )


def _is_a_line(text: bytes) -> bool:
    return not {*b"\r\n"} & {*text} and bool(text.decode(errors="replace").strip())


_LITERALS: Final = (b"NaN", b"-Infinity", b"1e999", b"1" * 5_000, b'{"a":1,"a":2}')
_INSIDE: Final = (b"\\ud800", b"\xff", b"\xed\xa0\x80", b"\x0b", b"\\u0000")


def _ambiguous_json(valid: bytes) -> SearchStrategy[bytes]:
    nested = [b'{"a":[' * depth + b"]}" * depth for depth in (50, 125, 50_000)]
    return st.one_of(
        st.integers(0, len(nested) - 1).map(lambda at: valid.replace(b'"HERE"', nested[at])),
        st.sampled_from(_LITERALS).map(lambda it: valid.replace(b'"HERE"', it)),
        st.sampled_from(_INSIDE).map(lambda it: valid.replace(b"HERE", it)),
        st.just(b"\xef\xbb\xbf" + valid),
        st.just(b'{"id":5,' + valid[1:]),
        st.just(valid.decode().encode("utf-16")),
    )
