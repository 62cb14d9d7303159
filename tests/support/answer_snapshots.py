"""Generates the texts of `tests/answers`: `python -m tests.support.answer_snapshots` writes them.

They are what a model reads, made by a real client on the sandbox, in virtual time.
`test_answer_texts` compares.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mcp import Client

from tests.conftest import text_of
from tests.support.fault_table.fault_scenario import BlockableTransport
from tests.support.guarded_calls import DELETE_DESTINATION, GO_OFFLINE, GUARDED_OPERATIONS
from tests.support.hostile_studio import QUIET, written_everywhere
from tests.support.hostile_texts import WORST
from tests.support.operation_table import TABLE
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air, still
from tests.support.product.server import Product
from tests.support.product.virtual_time import run_in_virtual_time
from tests.support.simulated_person import Person, agreeing
from tests.support.valid_calls import EVERY, SEVERAL_CALLS, SWITCHES
from tests.support.written_files import write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mcp_types import CallToolResult

    from tests.support.operation_table import Arguments
    from tests.support.product.sandbox import Sandbox

FOLDER: Final = Path("tests/answers")

_MUTATING: Final = [entry.tool for entry in TABLE if not entry.hints["readOnlyHint"]]
_GUARDED: Final = {entry.tool for entry in TABLE if entry.hints["destructiveHint"]}
READING: Final = EVERY.keys() - {*_MUTATING, *SEVERAL_CALLS}
"""The tools that only read."""
_CHANGES: Final = "[!G]*"
"""The methods of all changes: all but GET."""
_HTML: Final = "<!DOCTYPE html><html><body>Be right back</body></html>"
_FLAG: Final = {"TRAX_CONFIRM": "flag"}
_CONFIRMATION: Final = re.compile(r'confirmation: "([^"]+)"')
_REPLACEMENT: Final = 'confirmation: "..."'
_BOUNDARY: Final = re.compile(r"viewers-[0-9a-f]{16}(?=>)")

FATES: Final[Mapping[str, Fault]] = {
    "connection-lost": Fault.dropped(),
    "time-out": Fault.silence(),
    "500": Fault.status(500),
    "429": Fault.error(429, "rate_limited", "Slow down.", Retry_After="30"),
    "401": Fault.error(401, "invalid_key", "Who are you?"),
    "403": Fault.error(403, "insufficient_scope", "Not with this key."),
    "404": Fault.error(404, "not_found", "No such thing."),
    "garbage": Fault.status(200, _HTML, content_type="text/html"),
}
"""How TRaX can be broken."""


async def answer_texts() -> Mapping[Path, str]:
    """Every snapshot by its path in the repository."""
    texts = {
        "changes": await _changes(),
        "changes-on-air": await _changes_on_air(),
        "broadcasts": await _broadcasts(),
        "approvals": await _approvals(),
        "previews": await _previews(),
        "several-changes": await _several_changes(),
        "injections": await _injections(),
        **{f"trax-is-broken/{name}": await _broken(fault) for name, fault in FATES.items()},
        "trax-is-broken/unreachable": await _broken(None),
    }
    return {FOLDER / f"{name}.txt": text for name, text in texts.items()}


async def _changes() -> str:
    """What each change says that is no broadcast, with each set of arguments."""
    parts = []
    for entry in TABLE:
        if entry.tool not in _MUTATING or entry.tool in {"go_live", "go_offline"}:
            continue
        for example in entry.examples:
            result = await _call(still(), entry.tool, entry.arguments(example))
            parts.append(_part(_title(entry.tool, example.given), _said(result)))
    return "\n".join(parts)


async def _changes_on_air() -> str:
    """What each change says that needs a yes only while on air."""
    parts = []
    for title, operation in GUARDED_OPERATIONS.items():
        if operation.on_air and operation != GO_OFFLINE:
            sandbox = still()
            put_on_air(sandbox)
            result = await _call(sandbox, operation.tool, operation.arguments)
            parts.append(_part(title, _said(result)))
    return "\n".join(parts)


async def _broadcasts() -> str:
    """What `go_live` and `go_offline` say, by what is seen afterwards and how TRaX answered."""
    not_live, live = Fault.status(200, {"live": False}), Fault.status(200, {"live": True})
    lost = Fault.dropped(when="after")
    scenes: dict[str, tuple[str, list[tuple[str, Fault]]]] = {
        "go_live, seen on air": ("go_live", []),
        "go_live, not yet on air": ("go_live", [("GET", not_live)]),
        "go_live, status unknown": ("go_live", [("GET", Fault.status(500))]),
        "go_live, answer lost, seen on air": ("go_live", [("POST", lost)]),
        "go_live, answer unreadable, seen on air": ("go_live", [("POST", Fault.truncated())]),
        "go_live, answer lost, not on air": ("go_live", [("POST", lost), ("GET", not_live)]),
        "go_offline, seen off air": ("go_offline", []),
        "go_offline, still on air": ("go_offline", [("GET", live)]),
        "go_offline, status unknown": ("go_offline", [("GET", Fault.status(500))]),
        "go_offline, answer lost, seen off air": ("go_offline", [("POST", lost)]),
        "go_offline, answer lost, still on air": ("go_offline", [("POST", lost), ("GET", live)]),
    }
    parts = []
    for title, (tool, faults) in scenes.items():
        sandbox = still()
        if tool == "go_offline":
            put_on_air(sandbox)
        _add(sandbox, dict(faults))
        result = await _call(sandbox, tool, EVERY["go_offline"])
        parts.append(_part(title, _said(result)))
    return "\n".join(parts)


def _add(sandbox: Sandbox, faults: Mapping[str, Fault]) -> None:
    """A fault of the POST, and one of the stream status, which else begins with the POST."""
    break_status = partial(
        sandbox.faults.add, faults.get("GET", Fault.delay(0)), times=None, path="*/stream-status"
    )
    if "POST" in faults:
        sandbox.faults.add(faults["POST"], method="POST")
        break_status()
    else:
        sandbox.faults.add(Fault.followed_by(break_status), method="POST")


async def _approvals() -> str:
    """How a call says where it was approved. `test_answer_texts` has the page."""
    parts = []
    for channel in ("form", "confirmation", "flag"):
        sandbox, person = still(), Person()
        put_on_air(sandbox)
        person.answer_with(agreeing)
        server = Product(sandbox, None, _FLAG if channel == "flag" else {}).server()
        form = person if channel == "form" else None
        async with Client(server, cache=None, elicitation_callback=form) as client:
            call = partial(client.call_tool, GO_OFFLINE.tool)
            consent: Arguments = {"confirm": True} if channel == "flag" else {}
            if channel == "confirmation":
                shown = await call(GO_OFFLINE.arguments)
                (confirmation,) = _CONFIRMATION.findall(text_of(shown))
                consent = {"confirm": True, "confirmation": confirmation}
            result = await call({**GO_OFFLINE.arguments, **consent})
        parts.append(_part(channel, _said(result)))
    return "\n".join(parts)


async def _previews() -> str:
    """What a person is shown before each guarded call, where no one can be asked."""
    parts = []
    for title, operation in GUARDED_OPERATIONS.items():
        sandbox = still()
        if operation.on_air:
            put_on_air(sandbox)
        settings = {"TRAX_GUARD_ALSO": "send_chat_message"}
        result = await _call(sandbox, operation.tool, operation.arguments, settings=settings)
        parts.append(_part(title, text_of(result).splitlines()))
    return "\n".join(parts)


async def _several_changes() -> str:
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
    shown, shown_on_air, on_air = still(), still(), still()
    put_on_air(shown_on_air)
    put_on_air(on_air)
    preview = text_of(await _call(shown, "apply_changes", SWITCHES, settings={}))
    while_on_air = {**SWITCHES, "changes": SWITCHES["changes"][:-1]}
    preview_on_air = text_of(await _call(shown_on_air, "apply_changes", while_on_air, settings={}))
    parts = [
        _part("preview", preview.splitlines()),
        _part("preview, on air", preview_on_air.splitlines()),
    ]
    for title, faults in scenes.items():
        sandbox = still()
        for fault, path in faults:
            sandbox.faults.add(fault, path=path, times=None)
        result = await _call(sandbox, "apply_changes", {**SWITCHES, "confirm": True})
        parts.append(_part(title, text_of(result).splitlines()[:-1]))
    result = await _call(on_air, "apply_changes", {**SWITCHES, "confirm": True})
    parts.append(_part("on air already", text_of(result).splitlines()))
    return "\n".join(parts)


async def _injections() -> str:
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
    return "\n".join(parts)


async def _broken(fault: Fault | None) -> str:
    """What every tool says while TRaX is broken in one way. None: it cannot be reached at all.

    Tools that say the same are together, with `TOOL` for their name. An upload needs a file.
    """
    return "\n".join(
        (
            f"Everything is broken.\n\n{await _failures(fault, EVERY, '*')}",
            f"Reading works, changes are broken.\n\n{await _failures(fault, _MUTATING, _CHANGES)}",
        )
    )


async def _failures(fault: Fault | None, names: Iterable[str], method: str) -> str:
    said: defaultdict[str, list[str]] = defaultdict(list)
    for tool in names:
        sandbox = still()
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
    return "\n".join(_part(", ".join(tools), [text]) for text, tools in said.items())


async def _call(
    sandbox: Sandbox,
    tool: str,
    arguments: Arguments,
    *,
    settings: Mapping[str, str] = _FLAG,
    transport: BlockableTransport | None = None,
) -> CallToolResult:
    """Call a tool once. Unless settings say otherwise, `confirm: true` is all it needs."""
    confirm = {"confirm": True} if settings is _FLAG and tool in _GUARDED else {}
    all_settings = {"TRAX_TIMEOUT_SECONDS": "10", **settings}
    server = Product(sandbox, None, all_settings, transport=transport).server()
    async with Client(server, cache=None) as client:
        return await client.call_tool(tool, {**arguments, **confirm})


def _said(result: CallToolResult) -> list[str]:
    """The text without the data in its last line, or a failure as a whole."""
    lines = text_of(result).splitlines()
    return [f"Error: {lines[0]}"] if result.is_error else lines[:-1]


def _title(tool: str, given: Arguments | None) -> str:
    """The tool and the names of its arguments; no value may be a secret."""
    return f"{tool} ({', '.join(given)})" if given else tool


def _part(title: str, lines: Iterator[str] | list[str]) -> str:
    """A title, and the lines below it, with a replacement for each confirmation id."""
    text = "\n".join(f"  {line}".rstrip() for line in lines)
    return f"{title}\n{_CONFIRMATION.sub(_REPLACEMENT, text)}\n"


async def main() -> None:
    """Write every snapshot."""
    for path, text in (await answer_texts()).items():
        write(path, text)


if __name__ == "__main__":
    run_in_virtual_time(main)
