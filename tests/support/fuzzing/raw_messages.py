r"""Raw JSON-RPC messages, valid and invalid, in both protocol eras.

Each message carries the reply that it must get. Those that must have no effect are built from a
call that would create a studio, and contain a canary to detect in requests and logs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tests.support.jsonrpc import request, tool_call

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from tests.support.jsonrpc import Message

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
    cancelled_id: object = None
    """The id of the request that it cancels."""

    def __repr__(self) -> str:
        """The start and the end, since some messages are very long."""
        return f"{self.expected.name}({self.text[:300]!r}...{self.text[300:][-100:]!r})"


# Values

canary_texts: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
    lambda word: CANARY + word
)
scalars: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    canary_texts,
    st.sampled_from(["", CANARY * 2_000, 2**64, -(2**63) - 1, 10**400, 1e308]),
)
values: Final = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(canary_texts, inner, max_size=3),
    max_leaves=6,
)

request_ids: Final = st.one_of(
    st.integers(0, 9),
    st.integers(),
    st.sampled_from([2**53 + 1, 2**64, -(2**63) - 1, 10**100, 10**4_000]),
    canary_texts,
    st.sampled_from(["", "7", " 7 ", "1_0", "null", "a\x00b", "\u2028", "9" * 5_000, "x" * 10_000]),
)
"""Ids that MCP allows: integers and strings."""

invalid_ids: Final = st.one_of(
    st.none(), st.booleans(), st.floats(allow_nan=False), st.just({"a": 1}), st.just([1])
)
"""Invalid ids. The SDK takes such a message for a notification, or ignores it."""

_KEYS = ("cursor", "name", "arguments", "uri", "ref", "argument", "requestState", "inputResponses")
_META_KEYS = ("progressToken", "traceparent", "tracestate", "baggage", "related-task", CANARY)
_METHODS = (
    *("tools/list", "prompts/list", "resources/templates/list", "prompts/get", "resources/read"),
    *("resources/subscribe", "resources/unsubscribe", "completion/complete", "logging/setLevel"),
    *("ping", "server/discover", "tasks/list", "sampling/createMessage", "elicitation/create"),
)
_ODD_PARAMS = st.dictionaries(st.sampled_from(_KEYS) | canary_texts, values, max_size=4)
_ODD_META = st.dictionaries(
    st.sampled_from(_META_KEYS), values | st.just(f"{CANARY}=1;;;,%%,\n"), max_size=3
)

_URIS = st.fixed_dictionaries({"uri": st.sampled_from(["", "x:", "trax://nothing"]) | canary_texts})
_HARMLESS_REQUESTS: SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.tuples(st.sampled_from(["tools/list", "prompts/list", "ping"]), st.just({})),
    st.tuples(st.just("tools/list"), st.fixed_dictionaries({"cursor": canary_texts})),
    st.tuples(
        st.just("prompts/get"),
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(["go_live", CANARY]),
                "arguments": st.dictionaries(
                    st.just("studio") | canary_texts, canary_texts, max_size=2
                ),
            }
        ),
    ),
    st.tuples(
        st.sampled_from(["resources/read", "resources/subscribe", "resources/unsubscribe"]), _URIS
    ),
    st.tuples(
        st.just("completion/complete"),
        st.fixed_dictionaries(
            {
                "ref": st.just({"type": "ref/prompt", "name": CANARY}),
                "argument": st.fixed_dictionaries({"name": canary_texts, "value": canary_texts}),
            }
        ),
    ),
)
"""Valid requests for things that do not exist or that need no TRaX."""


# Requests: each gets exactly one response


def _without_name(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments that cannot create a studio."""
    return {key: value for key, value in arguments.items() if key != "name"}


def _serialized(message: object) -> bytes:
    return json.dumps(message).encode()


def _answered(message: Message) -> RawMessage:
    return RawMessage(_serialized(message), Expected.ANSWERED, message["id"], message)


@st.composite
def requests(draw: st.DrawFn, era: str) -> RawMessage:
    """A request that needs no TRaX, with any params and metadata."""
    method, params = draw(
        _HARMLESS_REQUESTS | _HARMLESS_REQUESTS | st.tuples(st.sampled_from(_METHODS), _ODD_PARAMS)
    )
    message = request(era, draw(st.sampled_from([method, method, method, CANARY])), params)
    message["params"].setdefault("_meta", {}).update(draw(st.just({}) | _ODD_META))
    return _answered({**message, "id": draw(request_ids)})


@st.composite
def invalid_calls(draw: st.DrawFn, era: str) -> RawMessage:
    """A tool call that cannot run: unknown tool, or invalid arguments."""
    arguments = draw(st.sampled_from([{}, {CANARY: 1}]) | _ODD_PARAMS.map(_without_name) | values)
    name = draw(st.sampled_from(["create_studio", "send_chat_message", "go_live", CANARY, 7, None]))
    message = request(era, "tools/call", {"name": name, "arguments": arguments})
    return _answered({**message, "id": draw(request_ids)})


def _create_studio_call(era: str, number: object) -> Message:
    """The call that would have an effect, if it ran."""
    return {**tool_call(era, "create_studio", name=CANARY), "id": number}


# Invalid messages


@st.composite
def malformed_messages(draw: st.DrawFn, era: str) -> RawMessage:
    """JSON that is not JSON-RPC: one member is missing or invalid."""
    message = _create_studio_call(era, draw(request_ids))
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
def invalid_json(draw: st.DrawFn, era: str) -> RawMessage:
    """Not one JSON object."""
    message = _create_studio_call(era, 1)
    valid = _serialized(message)
    text = draw(
        st.one_of(
            st.integers(1, len(valid) - 1).map(lambda end: valid[:end]),
            st.sampled_from([b"x", b"}", b",", b"\x00", b"{}", b" " + valid]).map(valid.__add__),
            st.sampled_from([b"x", b"[", b",", b"\x00", b"\xff\xfe"]).map(lambda it: it + valid),
            st.sampled_from([[], [message], [message, message], 5, "x", True, None]).map(
                _serialized
            ),
            st.just(valid.replace(b'"', b"'")),
            st.just(valid.replace(b"}", b",}")),
            st.binary(min_size=1, max_size=40).filter(_is_a_line),
        )
    )
    return RawMessage(text, Expected.REFUSED, None, message)


def _is_a_line(text: bytes) -> bool:
    return not {*b"\r\n"} & {*text} and bool(text.decode(errors="replace").strip())


@st.composite
def ambiguous_json(draw: st.DrawFn, era: str) -> RawMessage:
    """JSON that parsers disagree on; it requests a list, so either outcome is safe."""
    number = draw(request_ids)
    message = {**request(era, "prompts/list", {"x": "HERE"}), "id": number}
    valid = _serialized(message)
    text = draw(
        st.one_of(
            st.sampled_from(_LITERALS).map(lambda it: valid.replace(b'"HERE"', it)),
            st.sampled_from(_INSIDE).map(lambda it: valid.replace(b"HERE", it)),
            st.sampled_from([100, 150, 250, 1_000, 100_000]).map(
                lambda depth: _nested(valid, depth)
            ),
            st.just(b"\xef\xbb\xbf" + valid),
            st.just(b'{"id":5,' + valid[1:]),
            st.just(valid.decode().encode("utf-16")),
        )
    )
    return RawMessage(text, Expected.EITHER, number, message)


_LITERALS = (b"NaN", b"-Infinity", b"1e999", b"1" * 5_000, b"-0", b"1E400", b'{"a":1,"a":2}')
_INSIDE = (
    b"\\ud800",
    b"\\udc00\\ud800",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\x0b",
    b"\\u0000",
)


def _nested(valid: bytes, depth: int) -> bytes:
    return valid.replace(b'"HERE"', b'{"a":[' * (depth // 2) + b"]}" * (depth // 2))


@st.composite
def calls_with_invalid_id(draw: st.DrawFn, era: str) -> RawMessage:
    """A call with an invalid id."""
    message = _create_studio_call(era, draw(invalid_ids))
    text = _serialized(message).replace(b"Infinity", b"1e999")
    return RawMessage(text, Expected.EITHER, None, message)


@st.composite
def lone_surrogates(draw: st.DrawFn, era: str) -> RawMessage:
    """A lone surrogate in the id, the method or the metadata."""
    surrogate = draw(st.sampled_from(["\ud800", "a\udfff", "\udc00\ud800"]))
    message = request(era, "prompts/list")
    message["params"][surrogate] = surrogate
    message[draw(st.sampled_from(["id", "method", surrogate]))] = surrogate
    return RawMessage(_serialized(message), Expected.EITHER, message["id"], message)


# Messages without response


@st.composite
def notifications(draw: st.DrawFn, era: str) -> RawMessage:
    """A notification, or a call without an id, which must not run."""
    method = draw(st.sampled_from(["progress", "cancelled", "roots/list_changed", "x"]))
    params = draw(st.none() | _ODD_PARAMS)
    if method == "cancelled":
        params = {"requestId": draw(canary_texts | invalid_ids)}
    message = {"jsonrpc": "2.0", "method": f"notifications/{method}", "params": params}
    call = _create_studio_call(era, None)
    del call["id"]
    message = draw(st.sampled_from([message, message, call]))
    return RawMessage(_serialized(message), Expected.SILENT, None, message)


@st.composite
def unsolicited_responses(draw: st.DrawFn) -> RawMessage:
    """A response to no request."""
    outcome: Message = draw(
        st.sampled_from(
            [
                {"result": {}},
                {"result": {"action": "accept", "content": {"confirm": True}}},
                {"error": {"code": -32603, "message": CANARY}},
            ]
        )
    )
    message: Message = {"jsonrpc": "2.0", "id": draw(request_ids)}
    message.update(outcome)
    return RawMessage(_serialized(message), Expected.SILENT, None)


def cancellation(era: str, number: object) -> Message:
    """The notification that cancels a request."""
    message = request(era, "notifications/cancelled", {"requestId": number, "reason": CANARY})
    del message["id"]
    return message


@st.composite
def cancellations(draw: st.DrawFn, era: str) -> RawMessage:
    """A cancellation of an id that may or may not be in use."""
    number = draw(request_ids)
    message = cancellation(era, number)
    return RawMessage(_serialized(message), Expected.SILENT, None, message, cancelled_id=number)


def comparable_id(number: object) -> object:
    """The id as cancellation compares it, which takes "7" for 7."""
    try:
        return int(number) if isinstance(number, str | int) else number
    except ValueError:
        return number


def slow_call(era: str, *, seconds: int) -> Message:
    """A call that takes this long, since its studio has no chat."""
    call = tool_call(era, "wait_for_chat_messages", studioId="studio_60", after="start")
    call["params"]["arguments"]["timeoutSeconds"] = seconds
    return call


def raw_messages(era: str) -> SearchStrategy[RawMessage]:
    """Any raw message of this era."""
    kinds = [
        requests,
        invalid_calls,
        malformed_messages,
        invalid_json,
        ambiguous_json,
        calls_with_invalid_id,
        lone_surrogates,
    ]
    return st.one_of(*(kind(era) for kind in kinds), notifications(era), unsolicited_responses())
