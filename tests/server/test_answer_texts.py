"""The words that a model reads, as committed texts: each answer in words, preview and failure.

A real client on the sandbox, in virtual time. `tests/answers` has a file for each test.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
from mcp import Client

from tests.support.fault_table.faulty_world import BlockableTransport
from tests.support.guarded_calls import DELETE_DESTINATION, GO_OFFLINE, GUARDED_OPERATIONS
from tests.support.hostile_studio import QUIET, written_everywhere
from tests.support.hostile_texts import WORST
from tests.support.operation_table import TABLE
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import frozen_sandbox, put_on_air
from tests.support.product.server import Product
from tests.support.product.virtual_time import in_virtual_time
from tests.support.simulated_person import Person, agreeing
from tests.support.snapshots import Answers, AnswersWhileBroken
from tests.support.valid_calls import EVERY, SWITCHES
from tests.world.answers import text_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from mcp_types import CallToolResult
    from syrupy.assertion import SnapshotAssertion

    from tests.support.operation_table import Arguments
    from tests.support.product.sandbox import Sandbox

_MUTATING: Final = [entry.tool for entry in TABLE if not entry.hints["readOnlyHint"]]
_GUARDED: Final = {entry.tool for entry in TABLE if entry.hints["destructiveHint"]}
_ALL_BUT_GET: Final = "[!G]*"
_CONFIRM_ALONE: Final = {"TRAX_ASK": "confirm_alone"}
_CONFIRMATION: Final = re.compile(r'(?<=confirmation: ")[^"]+')
_BOUNDARY: Final = re.compile(r"viewers-[0-9a-f]{16}(?=>)")

FATES: Final[Mapping[str, Fault | None]] = {
    "connection-lost": Fault.dropped(),
    "time-out": Fault.silence(),
    "500": Fault.status(500),
    "429": Fault.error(429, "rate_limited", "Slow down.", Retry_After="30"),
    "401": Fault.error(401, "invalid_key", "Who are you?"),
    "403": Fault.error(403, "insufficient_scope", "Not with this key."),
    "404": Fault.error(404, "not_found", "No such thing."),
    "garbage": Fault.status(200, "<html>Be right back</html>", content_type="text/html"),
    "unreachable": None,
}
"""How TRaX can be broken. None: there is no connection at all."""


async def _changes() -> list[str]:
    """What each change says that is no broadcast, with each set of arguments."""
    parts = []
    for entry in TABLE:
        if entry.tool not in _MUTATING or entry.tool in {"go_live", "go_offline"}:
            continue
        for example in entry.examples:
            result = await _call(frozen_sandbox(), entry.tool, entry.arguments(example))
            names = f" ({', '.join(example.given)})" if example.given else ""
            parts.append(_part(f"{entry.tool}{names}", _said(result)))
    return parts


async def _changes_on_air() -> list[str]:
    """What each change says that needs a yes only while on air."""
    parts = []
    for title, operation in GUARDED_OPERATIONS.items():
        if operation.on_air and operation != GO_OFFLINE:
            sandbox = frozen_sandbox()
            put_on_air(sandbox)
            result = await _call(sandbox, operation.tool, operation.arguments)
            parts.append(_part(title, _said(result)))
    return parts


async def _broadcasts() -> list[str]:
    """What `go_live` and `go_offline` say, by what is seen afterwards and how TRaX answered."""
    not_live, live = Fault.status(200, {"live": False}), Fault.status(200, {"live": True})
    lost = Fault.dropped(when="after")
    scenes: dict[str, tuple[str, dict[str, Fault]]] = {
        "go_live, seen on air": ("go_live", {}),
        "go_live, not yet on air": ("go_live", {"GET": not_live}),
        "go_live, status unknown": ("go_live", {"GET": Fault.status(500)}),
        "go_live, answer lost, seen on air": ("go_live", {"POST": lost}),
        "go_live, answer unreadable, seen on air": ("go_live", {"POST": Fault.truncated()}),
        "go_live, answer lost, not on air": ("go_live", {"POST": lost, "GET": not_live}),
        "go_offline, seen off air": ("go_offline", {}),
        "go_offline, still on air": ("go_offline", {"GET": live}),
        "go_offline, status unknown": ("go_offline", {"GET": Fault.status(500)}),
        "go_offline, answer lost, seen off air": ("go_offline", {"POST": lost}),
        "go_offline, answer lost, still on air": ("go_offline", {"POST": lost, "GET": live}),
    }
    parts = []
    for title, (tool, faults) in scenes.items():
        sandbox = frozen_sandbox()
        if tool == "go_offline":
            put_on_air(sandbox)
        _add(sandbox, faults)
        parts.append(_part(title, _said(await _call(sandbox, tool, EVERY["go_offline"]))))
    return parts


def _add(sandbox: Sandbox, faults: Mapping[str, Fault]) -> None:
    """A fault of the POST, and one of the stream status, which else begins with the POST."""
    status, path = faults.get("GET", Fault.delay(0)), "*/stream-status"
    break_status = partial(sandbox.faults.add, status, times=None, path=path)
    if "POST" in faults:
        sandbox.faults.add(faults["POST"], method="POST")
        break_status()
    else:
        sandbox.faults.add(Fault.followed_by(break_status), method="POST")


async def _approvals() -> list[str]:
    """How a call says where it was approved."""
    parts = []
    for channel in ("form", "confirmation", "confirm_alone"):
        sandbox, person = frozen_sandbox(), Person()
        put_on_air(sandbox)
        person.answer_with(agreeing)
        server = Product(
            sandbox, None, _CONFIRM_ALONE if channel == "confirm_alone" else {}
        ).server()
        form = person if channel == "form" else None
        async with Client(server, cache=None, elicitation_callback=form) as client:
            call = partial(client.call_tool, GO_OFFLINE.tool)
            consent: Arguments = {"confirm": True} if channel == "confirm_alone" else {}
            if channel == "confirmation":
                shown = await call(GO_OFFLINE.arguments)
                (confirmation,) = _CONFIRMATION.findall(text_of(shown))
                consent = {"confirm": True, "confirmation": confirmation}
            result = await call({**GO_OFFLINE.arguments, **consent})
        parts.append(_part(channel, _said(result)))
    return parts


async def _previews() -> list[str]:
    """What a person is shown before each guarded call, where no one can be asked."""
    parts = []
    for title, operation in GUARDED_OPERATIONS.items():
        sandbox = frozen_sandbox()
        if operation.on_air:
            put_on_air(sandbox)
        more = {"TRAX_GUARD_ALSO": "send_chat_message"}
        result = await _call(sandbox, operation.tool, operation.arguments, settings=more)
        parts.append(_part(title, text_of(result).splitlines()))
    return parts


async def _several_changes() -> list[str]:
    """What `apply_changes` shows before a yes, and what it says after one."""
    refused, lost = Fault.error(409, "conflict", "Not now."), Fault.dropped(when="after")
    not_live = Fault.status(200, {"live": False})
    scenes: dict[str, Sequence[tuple[Fault, str]]] = {
        "all made": [],
        "the second refused": [(refused, "*/sources/*")],
        "the answer to the second lost": [(lost, "*/sources/*")],
        "the go-live refused": [(refused, "*/go-live")],
        "the answer to the go-live lost, not on air": [
            (lost, "*/go-live"),
            (not_live, "*/stream-status"),
        ],
    }
    call = partial(_call, tool="apply_changes")
    on_air = frozen_sandbox()
    put_on_air(on_air)
    preview = text_of(await call(frozen_sandbox(), arguments=SWITCHES, settings={}))
    while_on_air = {**SWITCHES, "changes": SWITCHES["changes"][:-1]}
    preview_on_air = text_of(await call(on_air, arguments=while_on_air, settings={}))
    confirmed = {**SWITCHES, "confirm": True}
    shown = {"preview": preview, "preview, on air": preview_on_air}
    parts = [_part(title, text.splitlines()) for title, text in shown.items()]
    for title, faults in scenes.items():
        sandbox = frozen_sandbox()
        for fault, path in faults:
            sandbox.faults.add(fault, path=path, times=None)
        result = await call(sandbox, arguments=confirmed)
        parts.append(_part(title, text_of(result).splitlines()[:-1]))
    result = await call(on_air, arguments=confirmed)
    parts.append(_part("on air already", text_of(result).splitlines()))
    return parts


async def _injections() -> list[str]:
    """The worst that people can write, and what a model reads of it."""
    parts, delete = [], DELETE_DESTINATION
    for kind, text in WORST.items():
        trax, quiet = written_everywhere(text), {"studioId": QUIET}
        studio = text_of(await _call(trax, "get_studio", quiet))
        overview = text_of(await _call(trax, "check_studio", quiet)).splitlines()[0]
        preview = text_of(await _call(trax, delete.tool, delete.arguments, settings={}))
        chat = text_of(await _call(trax, "list_chat_messages", quiet))
        read = (studio, overview, preview, _BOUNDARY.sub("viewers-...", chat))
        lines = [line for it in read for line in (*it.splitlines(), "")]
        parts.append(_part(kind, [f"Somebody writes {json.dumps(text)}", "", *lines[:-1]]))
    return parts


async def _failures(fault: Fault | None, names: Iterable[str], method: str) -> list[str]:
    """What each tool says. Those that say the same are together, with `TOOL` for their name."""
    said: defaultdict[str, list[str]] = defaultdict(list)
    for tool in names:
        sandbox = frozen_sandbox()
        transport = BlockableTransport(sandbox)
        if fault is None:
            transport.blocked = method, "*"
        else:
            sandbox.faults.add(fault, times=None, method=method)
        if tool == "go_offline":
            put_on_air(sandbox)
        result = await _call(sandbox, tool, EVERY[tool], transport=transport)
        text = text_of(result) if result.is_error else "Works: " + "\n  ".join(_said(result))
        said[re.sub(rf"\b{tool}\b", "TOOL", text)].append(tool)
    return [_part(", ".join(tools), [text]) for text, tools in said.items()]


async def _call(
    sandbox: Sandbox,
    tool: str,
    arguments: Arguments,
    *,
    settings: Mapping[str, str] = _CONFIRM_ALONE,
    transport: BlockableTransport | None = None,
) -> CallToolResult:
    """Call a tool once. Unless settings say otherwise, `confirm: true` is all it needs."""
    confirm = {"confirm": True} if settings is _CONFIRM_ALONE and tool in _GUARDED else {}
    all_settings = {"TRAX_TIMEOUT_SECONDS": "10", **settings}
    server = Product(sandbox, None, all_settings, transport=transport).server()
    async with Client(server, cache=None) as client:
        return await client.call_tool(tool, {**arguments, **confirm})


def _said(result: CallToolResult) -> list[str]:
    """The text without the data in its last line, or a failure as a whole."""
    lines = text_of(result).splitlines()
    return [f"Error: {lines[0]}"] if result.is_error else lines[:-1]


def _part(title: str, lines: Iterable[str]) -> str:
    """A title, and the lines below it, with a replacement for each confirmation id."""
    text = "\n".join(f"  {line}".rstrip() for line in lines)
    return f"{title}\n{_CONFIRMATION.sub('...', text)}\n"


TEXTS: Final[Mapping[str, Callable[[], Awaitable[list[str]]]]] = {
    "changes": _changes,
    "changes-on-air": _changes_on_air,
    "broadcasts": _broadcasts,
    "approvals": _approvals,
    "previews": _previews,
    "several-changes": _several_changes,
    "injections": _injections,
}


@pytest.mark.parametrize("name", TEXTS)
@in_virtual_time
async def test_each_answer_is_as_it_was_committed(name: str, snapshot: SnapshotAssertion) -> None:
    """By what is called, and what TRaX answers."""
    text = "\n".join(await TEXTS[name]())
    assert text == snapshot.with_defaults(extension_class=Answers)


@pytest.mark.parametrize("fate", FATES)
@in_virtual_time
async def test_each_tool_says_what_it_must_while_trax_is_broken(
    fate: str, snapshot: SnapshotAssertion
) -> None:
    """In one way. An upload has a test of its own, since it needs a file."""
    parts = [
        "Everything is broken.\n",
        *await _failures(FATES[fate], EVERY, "*"),
        "Reading works, changes are broken.\n",
        *await _failures(FATES[fate], _MUTATING, _ALL_BUT_GET),
    ]
    assert "\n".join(parts) == snapshot.with_defaults(extension_class=AnswersWhileBroken)
