r"""What no client should write, and some that all may: raw JSON-RPC, in both protocol eras.

Each utterance knows by its making what is owed to it. What must have no effect is made of a call
that would create a studio, and carries a canary, so that a lenient reader shows upstream and a
talkative one shows in the log. Nothing here knows how it is sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tests.jsonrpc import request, tool_call

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from tests.jsonrpc import Message

CANARY: Final = "c4nary"
"""Stands in everything that is invented; never to be seen on stderr."""

INTERNAL: Final = {-32603, 0}
"""Codes of errors that a server may never answer with: they are faults of its own."""


class Fate(Enum):
    """What is owed to an utterance."""

    ANSWERED = "exactly one answer, with its id"
    REFUSED = "exactly one error, with its id or with null"
    SILENT = "no answer"
    EITHER = "at most one answer: not everybody reads it alike, and it asks for nothing"


@dataclass(frozen=True, repr=False)
class Said:
    """An utterance without its end of line. `number` is its id, or None where it has none."""

    text: bytes
    fate: Fate
    number: object = None
    message: Message | None = None
    """What an honest client would have said, where a transport needs to know."""
    cancels: object = None
    """The id that it would have cancelled."""

    def __repr__(self) -> str:
        """Its beginning and its end, since some are very long."""
        return f"{self.fate.name}({self.text[:300]!r}...{self.text[300:][-100:]!r})"


# Values

words: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
    lambda word: CANARY + word
)
scalars: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    words,
    st.sampled_from(["", CANARY * 2_000, 2**64, -(2**63) - 1, 10**400, 1e308]),
)
values: Final = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)

numbers: Final = st.one_of(
    st.integers(0, 9),
    st.integers(),
    st.sampled_from([2**53 + 1, 2**64, -(2**63) - 1, 10**100, 10**4_000]),
    words,
    st.sampled_from(["", "7", " 7 ", "1_0", "null", "a\x00b", "\u2028", "9" * 5_000, "x" * 10_000]),
)
"""Ids that MCP allows: whole numbers and strings."""

no_numbers: Final = st.one_of(
    st.none(), st.booleans(), st.floats(allow_nan=False), st.just({"a": 1}), st.just([1])
)
"""Ids that it does not. The SDK takes a message with one for a notification, or for nothing."""

_KEYS = ("cursor", "name", "arguments", "uri", "ref", "argument", "requestState", "inputResponses")
_META_KEYS = ("progressToken", "traceparent", "tracestate", "baggage", "related-task", CANARY)
_METHODS = (
    *("tools/list", "prompts/list", "resources/templates/list", "prompts/get", "resources/read"),
    *("resources/subscribe", "resources/unsubscribe", "completion/complete", "logging/setLevel"),
    *("ping", "server/discover", "tasks/list", "sampling/createMessage", "elicitation/create"),
)
_ODD_PARAMS = st.dictionaries(st.sampled_from(_KEYS) | words, values, max_size=4)
_ODD_META = st.dictionaries(
    st.sampled_from(_META_KEYS), values | st.just(f"{CANARY}=1;;;,%%,\n"), max_size=3
)

_URIS = st.fixed_dictionaries({"uri": st.sampled_from(["", "x:", "trax://nothing"]) | words})
_NEARLY: SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.tuples(st.sampled_from(["tools/list", "prompts/list", "ping"]), st.just({})),
    st.tuples(st.just("tools/list"), st.fixed_dictionaries({"cursor": words})),
    st.tuples(
        st.just("prompts/get"),
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(["go_live", CANARY]),
                "arguments": st.dictionaries(st.just("studio") | words, words, max_size=2),
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
                "argument": st.fixed_dictionaries({"name": words, "value": words}),
            }
        ),
    ),
)
"""What is asked as it should be, of things that are not there or need no TRaX."""


# Requests, which are owed an answer whatever they ask


def _without_name(arguments: dict[str, Any]) -> dict[str, Any]:
    """Never all that a studio needs."""
    return {key: value for key, value in arguments.items() if key != "name"}


def _written(message: object) -> bytes:
    return json.dumps(message).encode()


def _asked(message: Message) -> Said:
    return Said(_written(message), Fate.ANSWERED, message["id"], message)


@st.composite
def requests(draw: st.DrawFn, era: str) -> Said:
    """A request for what needs no TRaX, with params and metadata of any kind."""
    method, params = draw(_NEARLY | _NEARLY | st.tuples(st.sampled_from(_METHODS), _ODD_PARAMS))
    message = request(era, draw(st.sampled_from([method, method, method, CANARY])), params)
    message["params"].setdefault("_meta", {}).update(draw(st.just({}) | _ODD_META))
    return _asked({**message, "id": draw(numbers)})


@st.composite
def wrong_calls(draw: st.DrawFn, era: str) -> Said:
    """A tool call that cannot be run: no such tool, or no such arguments, or of the wrong type."""
    arguments = draw(st.sampled_from([{}, {CANARY: 1}]) | _ODD_PARAMS.map(_without_name) | values)
    name = draw(st.sampled_from(["create_studio", "send_chat_message", "go_live", CANARY, 7, None]))
    message = request(era, "tools/call", {"name": name, "arguments": arguments})
    return _asked({**message, "id": draw(numbers)})


def _creates(era: str, number: object) -> Message:
    """The call that would have an effect, if what is made of it were run."""
    return {**tool_call(era, "create_studio", name=CANARY), "id": number}


# What is no message


@st.composite
def misshapen(draw: st.DrawFn, era: str) -> Said:
    """JSON that is no JSON-RPC: one member missing or wrong."""
    message = _creates(era, draw(numbers))
    wrong: dict[str, SearchStrategy[object]] = {
        "jsonrpc": st.sampled_from(["1.0", "2", "", None, 2.0, 2, ["2.0"]]),
        "method": st.sampled_from([None, 7, 1.5, True, [], {}]),
        "params": st.sampled_from([[], [CANARY], CANARY, 7, True]),
    }
    member = draw(st.sampled_from(sorted(wrong)))
    broken = {**message, member: draw(wrong[member])}
    if member != "params" and draw(st.booleans()):
        del broken[member]
    return Said(_written(broken), Fate.REFUSED, message["id"], message)


@st.composite
def broken(draw: st.DrawFn, era: str) -> Said:
    """No JSON, or more than one value, or one that is no object."""
    message = _creates(era, 1)
    whole = _written(message)
    text = draw(
        st.one_of(
            st.integers(1, len(whole) - 1).map(lambda end: whole[:end]),
            st.sampled_from([b"x", b"}", b",", b"\x00", b"{}", b" " + whole]).map(whole.__add__),
            st.sampled_from([b"x", b"[", b",", b"\x00", b"\xff\xfe"]).map(lambda it: it + whole),
            st.sampled_from([[], [message], [message, message], 5, "x", True, None]).map(_written),
            st.just(whole.replace(b'"', b"'")),
            st.just(whole.replace(b"}", b",}")),
            st.binary(min_size=1, max_size=40).filter(_is_a_line),
        )
    )
    return Said(text, Fate.REFUSED, None, message)


def _is_a_line(text: bytes) -> bool:
    return not {*b"\r\n"} & {*text} and bool(text.decode(errors="replace").strip())


@st.composite
def quirks(draw: st.DrawFn, era: str) -> Said:
    """What some readers of JSON take and others do not; it asks for a list, so it may be taken."""
    number = draw(numbers)
    message = {**request(era, "prompts/list", {"x": "HERE"}), "id": number}
    whole = _written(message)
    text = draw(
        st.one_of(
            st.sampled_from(_LITERALS).map(lambda it: whole.replace(b'"HERE"', it)),
            st.sampled_from(_INSIDE).map(lambda it: whole.replace(b"HERE", it)),
            st.sampled_from([100, 150, 250, 1_000, 100_000]).map(lambda deep: _nested(whole, deep)),
            st.just(b"\xef\xbb\xbf" + whole),
            st.just(b'{"id":5,' + whole[1:]),
            st.just(whole.decode().encode("utf-16")),
        )
    )
    return Said(text, Fate.EITHER, number, message)


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


def _nested(whole: bytes, deep: int) -> bytes:
    return whole.replace(b'"HERE"', b'{"a":[' * (deep // 2) + b"]}" * (deep // 2))


@st.composite
def misnumbered(draw: st.DrawFn, era: str) -> Said:
    """A call whose id is none."""
    message = _creates(era, draw(no_numbers))
    text = _written(message).replace(b"Infinity", b"1e999")
    return Said(text, Fate.EITHER, None, message)


@st.composite
def half_paired(draw: st.DrawFn, era: str) -> Said:
    """Half a surrogate pair where it must be read: in the id, the method or the metadata."""
    half = draw(st.sampled_from(["\ud800", "a\udfff", "\udc00\ud800"]))
    message = request(era, "prompts/list")
    message["params"][half] = half
    message[draw(st.sampled_from(["id", "method", half]))] = half
    return Said(_written(message), Fate.EITHER, message["id"], message)


# What nobody answers


@st.composite
def notifications(draw: st.DrawFn, era: str) -> Said:
    """A notification, known, unknown, or a call without an id: it must not be run."""
    method = draw(st.sampled_from(["progress", "cancelled", "roots/list_changed", "x"]))
    params = draw(st.none() | _ODD_PARAMS)
    if method == "cancelled":
        params = {"requestId": draw(words | no_numbers)}
    message = {"jsonrpc": "2.0", "method": f"notifications/{method}", "params": params}
    call = _creates(era, None)
    del call["id"]
    message = draw(st.sampled_from([message, message, call]))
    return Said(_written(message), Fate.SILENT, None, message)


@st.composite
def answers(draw: st.DrawFn) -> Said:
    """An answer to what nobody asked."""
    outcome: Message = draw(
        st.sampled_from(
            [
                {"result": {}},
                {"result": {"action": "accept", "content": {"confirm": True}}},
                {"error": {"code": -32603, "message": CANARY}},
            ]
        )
    )
    message: Message = {"jsonrpc": "2.0", "id": draw(numbers)}
    message.update(outcome)
    return Said(_written(message), Fate.SILENT, None)


def cancel(era: str, number: object) -> Message:
    """The notification that calls a request off."""
    message = request(era, "notifications/cancelled", {"requestId": number, "reason": CANARY})
    del message["id"]
    return message


@st.composite
def cancels(draw: st.DrawFn, era: str) -> Said:
    """A cancellation of an id that a request may have, have had or come to have."""
    number = draw(numbers)
    message = cancel(era, number)
    return Said(_written(message), Fate.SILENT, None, message, cancels=number)


def alike(number: object) -> object:
    """What a cancellation goes by: "7" is 7 there, as a client may write it."""
    try:
        return int(number) if isinstance(number, str | int) else number
    except ValueError:
        return number


def waiting_for_chat(era: str, *, seconds: int) -> Message:
    """A call that takes so long, in a studio where nobody chats."""
    call = tool_call(era, "wait_for_chat_messages", studioId="studio_60", after="start")
    call["params"]["arguments"]["timeoutSeconds"] = seconds
    return call


def utterances(era: str) -> SearchStrategy[Said]:
    """Anything at all, in this era."""
    kinds = [requests, wrong_calls, misshapen, broken, quirks, misnumbered, half_paired]
    return st.one_of(*(kind(era) for kind in kinds), notifications(era), answers())
