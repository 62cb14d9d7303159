"""Exactly the calls that viewers see or that cannot be undone need consent.

`operation_table` says by hand when each call is guarded, so that a change of code alone fails.
`test_consent_given` runs the guarded calls with consent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mcp
import pytest

from tests.conftest import OWNER, call
from tests.support.consent_clients import has_run
from tests.support.guarded_calls import STUDIO
from tests.support.jsonrpc import MODERN
from tests.support.operation_table import CHANGES, READ, TABLE
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.valid_calls import CALLS, COMPOSITE_CALLS, EVERY
from trax_mcp.consent.plans import When
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import mcp_types as types
    from mcp.server import Server

    from tests.support.operation_table import Arguments
    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.client import Client

NEVER, WHILE_LIVE, ALWAYS = When

WHEN: Final = [(entry.tool, entry.arguments(it), it.when) for entry, it in CHANGES]
"""All tools that change something, with each combination of arguments that makes a difference."""

READS: Final = [*(entry.tool for entry in TABLE if entry.hints == READ), *COMPOSITE_CALLS]
GUARDED: Final = {tool for tool, _, when in WHEN if when is not NEVER}


def _off_air(_sandbox: Sandbox) -> None:
    """In a new sandbox nothing is on air."""


def _hide_status(sandbox: Sandbox) -> None:
    sandbox.faults.add(
        Fault.error(403, "insufficient_scope"), times=None, method="GET", path="*/stream-status"
    )


STATES: Final[dict[str, Callable[[Sandbox], None]]] = {
    "off air": _off_air,
    "on air": put_on_air,
    "unknown": _hide_status,
}
"""The states of a studio. An unknown state counts as on air."""


def rows_and_states() -> Iterator[Any]:
    """Each row in the state that decides about it, and one row of each tool in every state."""
    tried: set[str] = set()
    for tool, arguments, when in WHEN:
        states = ["off air"] if when is ALWAYS else ["on air"]
        if when is WHILE_LIVE and tool not in tried:
            tried.add(tool)
            states = [*STATES]
        for state in states:
            name = "-".join((str(when and when.name), tool, *arguments, state))
            yield pytest.param(tool, arguments, when, state, id=name)


def needs_consent(when: When, state: str) -> bool:
    """Whether a call of this row needs consent in this state."""
    return when is ALWAYS or (when is WHILE_LIVE and state != "off air")


def status_of(result: types.CallToolResult) -> str:
    """`ran`, or the status or error code of a call that did not run."""
    data = result.structured_content or {}
    if has_run(result):
        return "ran"
    return str(data["error"]["code"] if "error" in data else data["status"])


@pytest.mark.parametrize(("tool", "arguments", "when", "state"), [*rows_and_states()])
async def test_without_consent_exactly_the_guarded_calls_do_not_run(
    server: Server[Any],
    sandbox: Sandbox,
    *,
    tool: str,
    arguments: Arguments,
    when: When,
    state: str,
) -> None:
    """A call that does not run changes nothing; one that is never guarded is sent first."""
    STATES[state](sandbox)
    status = status_of(await call(server, tool, arguments))
    expected = "confirmation_required" if needs_consent(when, state) else "ran"
    assert status == expected
    assert len(sandbox.mutations) == (expected == "ran")
    assert when is not NEVER or sandbox.requests[0] in sandbox.mutations


@pytest.mark.parametrize("tool", READS)
async def test_a_read_never_needs_consent(server: Server[Any], sandbox: Sandbox, tool: str) -> None:
    """One request, or several for a composite tool."""
    assert status_of(await call(server, tool, EVERY[tool])) == "ran"
    assert {it.method for it in sandbox.requests} == {"GET"}
    assert tool in COMPOSITE_CALLS or len(sandbox.requests) == 1


@pytest.mark.parametrize("tool", ["send_chat_message", "create_studio", "update_source"])
async def test_an_operator_can_guard_more_tools(
    trax: Client, sandbox: Sandbox, clock: HandClock, tool: str
) -> None:
    """A tool in TRAX_GUARD_ALSO needs consent for any arguments, and then runs once."""
    arguments = next(it for name, it, when in WHEN if (name, when) == (tool, NEVER))
    rules = Rules(Mode.FLAG, also=frozenset({tool}))
    server = build_server(trax, own=OWNER, deps=ServerDeps(rules=rules, clock=clock))
    assert status_of(await call(server, tool, arguments)) == "confirmation_required"
    assert list(sandbox.mutations) == []
    assert status_of(await call(server, tool, {**arguments, "confirm": True})) == "ran"
    assert len(sandbox.mutations) == 1


@pytest.mark.parametrize("tool", sorted(GUARDED))
async def test_invalid_arguments_are_rejected_before_a_preview(
    server: Server[Any], sandbox: Sandbox, tool: str
) -> None:
    """Without any request."""
    result = await call(server, tool, {**CALLS[tool], "why": "because"})
    assert status_of(result) == "invalid_arguments"
    assert list(sandbox.requests) == []


@pytest.mark.parametrize("more", [{"confirm": True}, {"confirm": False}, {"confirmation": "x"}])
async def test_a_tool_that_is_never_guarded_rejects_evidence(
    server: Server[Any], sandbox: Sandbox, more: Arguments
) -> None:
    """So that models do not learn to confirm every call."""
    (name,) = more
    for tool in EVERY.keys() - GUARDED:
        result = await call(server, tool, {**EVERY[tool], **more})
        assert (tool, status_of(result)) == (tool, "invalid_arguments")
        message = (result.structured_content or {})["error"]["message"]
        assert message.startswith(f'"{name}" is not an argument of {tool}, which takes')
    assert list(sandbox.requests) == []


FILTERS: Final[dict[str, tuple[ToolFilter, list[str], set[str]]]] = {
    "all": (ToolFilter(), list(EVERY), set()),
    "read only": (ToolFilter(read_only=True), READS, EVERY.keys() - READS),
    "a tag": (ToolFilter(only=frozenset({"media"})), ["list_media", "create_media_upload"], set()),
    "a tag, read only": (
        ToolFilter(read_only=True, only=frozenset({"connections"})),
        ["list_connections"],
        {"unlink_connection"},
    ),
    "a tool and a tag": (
        ToolFilter(only=frozenset({"get_studio", "chat"})),
        ["get_studio", "list_chat_messages", "send_chat_message", "wait_for_chat_messages"],
        set(),
    ),
}
"""Filters, the tools that each leaves, and the tools that it hides because they write."""


@pytest.mark.parametrize(("tool_filter", "left", "writers"), FILTERS.values(), ids=FILTERS)
async def test_a_tool_that_is_not_offered_is_neither_listed_nor_run(
    trax: Client, sandbox: Sandbox, *, tool_filter: ToolFilter, left: list[str], writers: set[str]
) -> None:
    """The error names TRAX_READ_ONLY or TRAX_TOOLS."""
    deps = ServerDeps(rules=Rules(Mode.FLAG), tool_filter=tool_filter)
    server = build_server(trax, own=OWNER, deps=deps)
    async with mcp.Client(server, mode=MODERN, cache=None) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == left
        for tool in EVERY.keys() - left:
            result = await client.call_tool(tool, {**EVERY[tool], "confirm": True})
            assert status_of(result) == ("read_only" if tool in writers else "not_offered")
            setting = "TRAX_READ_ONLY" if tool in writers else "TRAX_TOOLS"
            assert setting in (result.structured_content or {})["error"]["message"]
    assert list(sandbox.requests) == []


async def test_a_tool_that_is_offered_runs(trax: Client, sandbox: Sandbox) -> None:
    """With a narrow filter."""
    tool_filter = ToolFilter(read_only=True, only=frozenset({"get_studio"}))
    server = build_server(trax, own=OWNER, deps=ServerDeps(tool_filter=tool_filter))
    assert status_of(await call(server, "get_studio", STUDIO)) == "ran"
    assert len(sandbox.requests) == 1
