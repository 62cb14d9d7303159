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


def _create_studio_call(era: str, number: object) -> Message:
    """The call that would have an effect, if it ran."""
    return {**tool_call(era, "create_studio", name=CANARY), "id": number}


# Requests: each gets exactly one response


@st.composite
def _requests(draw: st.DrawFn, era: str) -> RawMessage:
    """A request that needs no TRaX, with any params and metadata."""
    params = draw(st.just({}) | _ODD_PARAMS)
    message = request(era, draw(st.sampled_from([*_METHODS, CANARY])), params)
    message["params"].setdefault("_meta", {}).update(draw(st.just({}) | _ODD_META))
    message["id"] = draw(_IDS)
    return RawMessage(_serialized(message), Expected.ANSWERED, message["id"], message)


@st.composite
def _invalid_calls(draw: st.DrawFn, era: str) -> RawMessage:
    """A tool call that cannot run: unknown tool, or invalid arguments."""
    named = _ODD_PARAMS.map(lambda it: {key: value for key, value in it.items() if key != "name"})
    arguments = draw(st.sampled_from([{}, {CANARY: 1}]) | named | _VALUES)
    name = draw(st.sampled_from(["create_studio", "send_chat_message", "go_live", CANARY, 7, None]))
    message = request(era, "tools/call", {"name": name, "arguments": arguments})
    message["id"] = draw(_IDS)
    return RawMessage(_serialized(message), Expected.ANSWERED, message["id"], message)


# Invalid messages


@st.composite
def _malformed_messages(draw: st.DrawFn, era: str) -> RawMessage:
    """JSON that is not JSON-RPC: one member is missing or invalid."""
    message = _create_studio_call(era, draw(_IDS))
    invalid: dict[str, SearchStrategy[object]] = {
        "jsonrpc": st.sampled_from(["1.0", "2", "", None, 2.0, 2, ["2.0"]]),
        "method": st.sampled_from([None, 7, 1.5, True, [], {}]),
        "params": st.sampled_from([[], [CANARY], CANARY, 7, True]),
    }
    member = draw(st.sampled_from(sorted(invalid)))
    malformed = {**message, member: draw(invalid[member])}
    if member != "params" and draw(st.booleans()):
        del malformed[member]
    return RawMessage(_serialized(malformed), Expected.REFUSED, message["id"], message)


@st.composite
def _invalid_json(draw: st.DrawFn, era: str) -> RawMessage:
    """Not one JSON object."""
    message = _create_studio_call(era, 1)
    valid = _serialized(message)
    text = draw(
        st.one_of(
            st.integers(1, len(valid) - 1).map(lambda end: valid[:end]),
            st.sampled_from([b"x", b"}", b",", b"\x00", b"{}", b" " + valid]).map(valid.__add__),
            st.sampled_from([b"x", b"[", b",", b"\x00", b"\xff\xfe"]).map(lambda it: it + valid),
            st.sampled_from([[], [message], [message, message], 5, "x", True]).map(_serialized),
            st.just(valid.replace(b'"', b"'")),
            st.binary(min_size=1, max_size=40).filter(_is_a_line),
        )
    )
    return RawMessage(text, Expected.REFUSED, None, message)


def _is_a_line(text: bytes) -> bool:
    return not {*b"\r\n"} & {*text} and bool(text.decode(errors="replace").strip())


_LITERALS = (b"NaN", b"-Infinity", b"1e999", b"1" * 5_000, b'{"a":1,"a":2}')
_INSIDE = (b"\\ud800", b"\xff", b"\xed\xa0\x80", b"\x0b", b"\\u0000")


@st.composite
def _ambiguous_json(draw: st.DrawFn, era: str) -> RawMessage:
    """JSON that parsers disagree on; it requests a list, so either outcome is safe."""
    number = draw(_IDS)
    message = {**request(era, "prompts/list", {"x": "HERE"}), "id": number}
    valid = _serialized(message)
    text = draw(
        st.one_of(
            st.sampled_from(_LITERALS).map(lambda it: valid.replace(b'"HERE"', it)),
            st.sampled_from(_INSIDE).map(lambda it: valid.replace(b"HERE", it)),
            st.sampled_from([100, 250, 100_000]).map(lambda depth: _nested(valid, depth)),
            st.just(b"\xef\xbb\xbf" + valid),
            st.just(b'{"id":5,' + valid[1:]),
            st.just(valid.decode().encode("utf-16")),
        )
    )
    return RawMessage(text, Expected.EITHER, number, message)


def _nested(valid: bytes, depth: int) -> bytes:
    return valid.replace(b'"HERE"', b'{"a":[' * (depth // 2) + b"]}" * (depth // 2))


@st.composite
def _calls_with_invalid_id(draw: st.DrawFn, era: str) -> RawMessage:
    """A call with an invalid id. The SDK takes it for a notification, or ignores it."""
    message = _create_studio_call(era, draw(_INVALID_IDS))
    text = _serialized(message).replace(b"Infinity", b"1e999")
    return RawMessage(text, Expected.EITHER, None, message)


# Messages without response


@st.composite
def _notifications(draw: st.DrawFn, era: str) -> RawMessage:
    """A notification, a cancellation of nothing, or a call without an id, which must not run."""
    method = draw(st.sampled_from(["progress", "cancelled", "roots/list_changed", "x"]))
    params: Any = draw(st.none() | _ODD_PARAMS)
    if method == "cancelled":
        params = {"requestId": draw(_CANARIES | _INVALID_IDS)}
    message = {"jsonrpc": "2.0", "method": f"notifications/{method}", "params": params}
    call = _create_studio_call(era, None)
    del call["id"]
    message = draw(st.sampled_from([message, message, call]))
    return RawMessage(_serialized(message), Expected.SILENT, None, message)


@st.composite
def _unsolicited_responses(draw: st.DrawFn) -> RawMessage:
    """A response to no request."""
    accepted = {"result": {"action": "accept", "content": {"confirm": True}}}
    failed = {"error": {"code": -32603, "message": CANARY}}
    outcome: Message = draw(st.sampled_from([{"result": {}}, accepted, failed]))
    message = {"jsonrpc": "2.0", "id": draw(_IDS), **outcome}
    return RawMessage(_serialized(message), Expected.SILENT, None)


def raw_messages(era: str) -> SearchStrategy[RawMessage]:
    """Any raw message of this era."""
    kinds = [
        _requests,
        _invalid_calls,
        _malformed_messages,
        _invalid_json,
        _ambiguous_json,
        _calls_with_invalid_id,
        _notifications,
    ]
    return st.one_of(*(kind(era) for kind in kinds), _unsolicited_responses())
